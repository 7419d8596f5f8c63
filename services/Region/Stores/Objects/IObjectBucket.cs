namespace Gallery.Region.Stores.Objects;

/// <summary>An object that a bucket lists.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Size">Its bytes.</param>
internal sealed record ObjectEntry(string Key, long Size);

/// <summary>
/// What the gallery needs of an object storage: a container of Azure Blob Storage, a bucket of S3. An object is there as a whole or not at all,
/// and is durable when the call that made it returns. Brief failures are retried within.
/// </summary>
/// <remarks>Every call fails with <see cref="ObjectStorageException"/> when the storage does not answer or refuses.</remarks>
internal interface IObjectBucket : IDisposable
{
    /// <summary>What people call it: the storage's address and the container, without any secret.</summary>
    string Name { get; }

    /// <summary>Makes the container unless it is there.</summary>
    Task EnsureAsync(CancellationToken cancellationToken);

    /// <summary>Makes an object; false when the key is taken, as far as the storage can tell.</summary>
    Task<bool> TryCreateAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Makes an object, or replaces it as a whole.</summary>
    Task PutAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Reads a whole object; null when there is none. For small ones.</summary>
    Task<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken);

    /// <summary>Fills the destination from an offset; false when there is no such object, or it ends before.</summary>
    Task<bool> TryReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>All objects whose keys begin so, in no order.</summary>
    IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>The names that follow a prefix up to the next `/`, each once.</summary>
    IAsyncEnumerable<string> ListFoldersAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Removes an object; no error when there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);
}
