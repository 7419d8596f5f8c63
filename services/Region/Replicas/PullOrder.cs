using Gallery.Region.Stores;

namespace Gallery.Region.Replicas;

/// <summary>A replica to be made.</summary>
/// <param name="ReplicaId">Its id.</param>
/// <param name="FencingToken">Grows with each holder of the work.</param>
/// <param name="Store">Where to keep it.</param>
/// <param name="Disks">What it consists of.</param>
/// <param name="Sources">Who has the bytes, the best first.</param>
internal sealed record PullOrder(
    string ReplicaId,
    long FencingToken,
    StoreName Store,
    IReadOnlyList<ReplicaDiskRecord> Disks,
    IReadOnlyList<SourceOrder> Sources
)
{
    /// <summary>Block bytes that are known to have come from other regions so far.</summary>
    public long TransferredBytes { get; init; }
}

/// <summary>Somebody who has the bytes.</summary>
/// <param name="Region">The region it is in.</param>
internal abstract record SourceOrder(string Region);

/// <summary>A committed upload of this node.</summary>
internal sealed record UploadSource(string Region, string UploadId) : SourceOrder(Region);

/// <summary>Another replica of this node.</summary>
internal sealed record ReplicaSource(string Region, string ReplicaId) : SourceOrder(Region);

/// <summary>Another node.</summary>
/// <param name="Region">The region it is in.</param>
/// <param name="Address">Its gRPC address.</param>
/// <param name="HttpAddress">Its HTTP address, where blocks come faster; null when there is none.</param>
/// <param name="Grants">One grant a disk. Secrets.</param>
internal sealed record NodeSource(string Region, Uri Address, Uri? HttpAddress, IReadOnlyList<string> Grants) : SourceOrder(Region)
{
    /// <summary>Bytes a second that all pulls from that region take together; 0 for no limit.</summary>
    public long MaxBytesPerSecond { get; init; }

    /// <summary>Bytes a second that came over the link from that region lately; 0 when not known.</summary>
    public long LinkBytesPerSecond { get; init; }

    /// <summary>Without the grants: they must not get into a log.</summary>
    public override string ToString() => $"{Region} at {Address}";
}
