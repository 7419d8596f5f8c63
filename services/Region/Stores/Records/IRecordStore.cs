namespace Gallery.Region.Stores.Records;

/// <summary>
/// Small named records beside the blocks of a store: replicas, uploads. A record is replaced as a whole and is durable when the call returns;
/// a reader sees the old or the new one, never a mixture.
/// </summary>
internal interface IRecordStore
{
    /// <summary>Writes a record.</summary>
    /// <exception cref="StorageExhaustedException">There is no room; the old record stands.</exception>
    ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken);

    /// <summary>Reads a record; null when there is none.</summary>
    ValueTask<byte[]?> TryGetAsync(string kind, string name, CancellationToken cancellationToken);

    /// <summary>Names of all records of a kind, in no order.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(string kind, CancellationToken cancellationToken);

    /// <summary>Removes a record; no error when there is none.</summary>
    ValueTask DeleteAsync(string kind, string name, CancellationToken cancellationToken);
}
