using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Stores.Objects;

/// <summary>The object storage does not answer, or refuses what the node asks. Nothing is known to be damaged.</summary>
internal sealed class ObjectStorageException(string bucket, string what, Exception? inner = null)
    : RegionException(ErrorReason.RegionUnavailable, $"The object storage {bucket} can't be used: {what}", inner);
