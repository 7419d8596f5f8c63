using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.Replication.Placement;

/// <summary>What a deployment names.</summary>
/// <param name="Definition">The definition, when its latest version is meant.</param>
/// <param name="Version">The version, when one is named.</param>
internal sealed record ImageReference(ResourceName? Definition, ResourceName? Version)
{
    private const string Latest = "latest";

    /// <summary>Reads a reference: a version, a definition, or <c>{definition}/versions/latest</c> (semantics 3.3).</summary>
    public static ImageReference Require(string text, string field)
    {
        if (!ResourceName.TryParse(text, out var name) || name.Kind is not (ResourceKind.Image or ResourceKind.ImageVersion))
        {
            throw GalleryError.InvalidParameter(
                field,
                ResourceName.Describe(ResourceKind.ImageVersion, ResourceKind.Image) + " Or '{definition}/versions/latest'."
            );
        }

        return name.Kind == ResourceKind.Image ? new ImageReference(name, null)
            : string.Equals(name.Id, Latest, StringComparison.OrdinalIgnoreCase) ? new ImageReference(name.Parent, null)
            : new ImageReference(null, name);
    }
}

/// <summary>
/// Finds the latest version of a definition in a region: the highest by major, minor and patch number among those that are complete there
/// and not excluded (semantics 3.3). The candidates are kept in that order with every change, so finding it takes one look.
/// </summary>
internal sealed class LatestResolver(RedisStore redis)
{
    /// <summary>The latest version; null when there is none.</summary>
    public async Task<ResourceName?> FindAsync(ResourceName definition, string region, CancellationToken cancellationToken)
    {
        var key = VersionKeys.Latest(redis.PartitionOf(definition.SubscriptionId), definition, region);
        var highest = await redis.Database.SortedSetRangeByRankAsync(key, 0, 0, Order.Descending).WaitAsync(cancellationToken);
        return highest.Length == 0 ? null : definition.Child(ResourceKind.ImageVersion, VersionKeys.VersionIdOf(highest[0].ToString()));
    }
}
