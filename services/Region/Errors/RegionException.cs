using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Errors;

/// <summary>
/// A failure that the caller is told of: a reason of the gallery's error model, a message that lets the caller act, and what it is about.
/// The engine throws nothing else on purpose; the services turn it into a rich gRPC status or an HTTP answer.
/// </summary>
internal class RegionException(ErrorReason reason, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public ErrorReason Reason { get; } = reason;

    /// <summary>What machines may want to know besides: `missing_blocks`, for example.</summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// A failure of the node that bytes were to come from. It is told as such (`source`), so that whoever ordered the pull holds it against
    /// that node's region and not against this one.
    /// </summary>
    /// <param name="region">The source's region.</param>
    /// <param name="reason">Why.</param>
    /// <param name="what">What its node did: "sent nothing".</param>
    /// <param name="inner">What it was found out by.</param>
    public static RegionException OfSource(string region, ErrorReason reason, string what, Exception? inner = null) =>
        new(reason, $"The node of {region} {what}", inner) { Details = new Dictionary<string, string> { ["source"] = region } };
}

/// <summary>The store has no room left. What was being written is not visible.</summary>
internal sealed class StorageExhaustedException(string message, Exception? inner = null)
    : RegionException(ErrorReason.StorageExhausted, message, inner);

/// <summary>Bytes at rest do not have their digest.</summary>
internal sealed class BlockCorruptException(string message, Exception? inner = null)
    : RegionException(ErrorReason.ContentCorrupt, message, inner);

/// <summary>A block or node is not in the store.</summary>
internal sealed class BlockMissingException(string message) : RegionException(ErrorReason.ContentNotFound, message);

/// <summary>A manifest node is not in its canonical encoding, or does not fit where it stands.</summary>
internal sealed class MalformedManifestException(string message) : RegionException(ErrorReason.ContentCorrupt, message);

/// <summary>A file is not a disk of the format it was said to have.</summary>
internal sealed class InvalidDiskFormatException(string message, Exception? inner = null)
    : RegionException(ErrorReason.InvalidDiskFormat, message, inner);
