using System.ComponentModel.DataAnnotations;

namespace Gallery.Catalog.Quotas;

/// <summary>How much a subscription may use (semantics 10). Section <c>Limits</c>; each can be set for single subscriptions, too.</summary>
internal sealed class LimitsOptions : Limits
{
    /// <summary>Limits of single subscriptions, by id. What is not set there is as for all.</summary>
    public Dictionary<string, LimitOverrides> Subscriptions { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The limits of a subscription.</summary>
    /// <param name="subscriptionId">The subscription.</param>
    public Limits For(string subscriptionId) =>
        Subscriptions.TryGetValue(subscriptionId, out var own)
            ? new Limits
            {
                Galleries = own.Galleries ?? Galleries,
                ImageDefinitions = own.ImageDefinitions ?? ImageDefinitions,
                ImageVersions = own.ImageVersions ?? ImageVersions,
                ApplicationVersions = own.ApplicationVersions ?? ApplicationVersions,
                ReplicasPerVersion = own.ReplicasPerVersion ?? ReplicasPerVersion,
                MaxDiskBytes = own.MaxDiskBytes ?? MaxDiskBytes,
            }
            : this;
}

/// <summary>The limits of a subscription.</summary>
internal class Limits
{
    /// <summary>Galleries in a region.</summary>
    [Range(0, int.MaxValue)]
    public int Galleries { get; init; } = 100;

    /// <summary>Image definitions in a region.</summary>
    [Range(0, int.MaxValue)]
    public int ImageDefinitions { get; init; } = 1000;

    /// <summary>Image versions in a region.</summary>
    [Range(0, int.MaxValue)]
    public int ImageVersions { get; init; } = 10_000;

    /// <summary>Application versions in a region.</summary>
    [Range(0, int.MaxValue)]
    public int ApplicationVersions { get; init; } = 300;

    /// <summary>Replicas of a version, over all its regions.</summary>
    [Range(1, 10_000)]
    public int ReplicasPerVersion { get; init; } = 100;

    /// <summary>Size of a disk in bytes.</summary>
    [Range(512, long.MaxValue)]
    public long MaxDiskBytes { get; init; } = 1L << 40;
}

/// <summary>Limits of one subscription that differ from those of all.</summary>
internal sealed class LimitOverrides
{
    public int? Galleries { get; init; }

    public int? ImageDefinitions { get; init; }

    public int? ImageVersions { get; init; }

    public int? ApplicationVersions { get; init; }

    public int? ReplicasPerVersion { get; init; }

    public long? MaxDiskBytes { get; init; }
}
