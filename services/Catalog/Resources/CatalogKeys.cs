using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.Catalog.Resources;

/// <summary>
/// Where Catalog keeps what. All keys of a subscription lie in its partition, so that one script may change them together.
/// </summary>
internal static class CatalogKeys
{
    public const string Prefix = "cat:";

    /// <summary>Channel on which the key of a version is published whenever its record changes: wakes the watchers in every process.</summary>
    public const string VersionChannel = Prefix + "versions";

    extension(Partition partition)
    {
        /// <summary>A gallery's record.</summary>
        public RedisKey Gallery(ResourceName gallery) => partition.Key("gallery", gallery.Key);

        /// <summary>Hash with the full name (field <c>n</c>) of the gallery that has a name in a subscription, in whichever resource group.</summary>
        public RedisKey GalleryClaim(ResourceName gallery) => partition.Key("galleryname", gallery.SubscriptionId, gallery.Id);

        /// <summary>Sorted set of a subscription's galleries: <c>{group}/{gallery}</c>.</summary>
        public RedisKey Galleries(string subscriptionId) => partition.Key("galleries", subscriptionId);

        /// <summary>A definition's record.</summary>
        public RedisKey Definition(ResourceName definition) => partition.Key("image", definition.Key);

        /// <summary>Sorted set of a gallery's definitions, by id.</summary>
        public RedisKey Definitions(ResourceName gallery) => partition.Key("images", gallery.Key);

        /// <summary>Hash from <c>publisher/offer/sku</c> to the id of the definition of a gallery that has it.</summary>
        public RedisKey Triples(ResourceName gallery) => partition.Key("triples", gallery.Key);

        /// <summary>A version's record. Besides the usual fields the hash has those of <see cref="ImageVersions.VersionRecord"/>.</summary>
        public RedisKey Version(ResourceName version) => partition.Key("version", version.Key);

        /// <summary>Sorted set of a definition's versions, by <see cref="ImageVersions.VersionNumber.SortKey"/>.</summary>
        public RedisKey Versions(ResourceName definition) => partition.Key("versions", definition.Key);

        /// <summary>Sorted set of all versions of the partition, by name: what Replication sweeps.</summary>
        public RedisKey AllVersions() => partition.Key("allversions");

        /// <summary>Hash of a subscription's usage: from <c>{metric}:{region}</c> to a count.</summary>
        public RedisKey Usage(string subscriptionId) => partition.Key("usage", subscriptionId);

        /// <summary>Stream of a subscription's activity log.</summary>
        public RedisKey Activity(string subscriptionId) => partition.Key("activity", subscriptionId);
    }
}
