using Gallery.Cli.Names;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Images;

/// <summary>What is to be published, and where to.</summary>
/// <param name="Version">The version's name.</param>
/// <param name="Targets">The regions, at least one.</param>
internal sealed record PublishRequest(ResourceName Version, IReadOnlyList<TargetSpec> Targets)
{
    private const int SectorSize = 512;

    /// <summary>The home region that was named; null leaves it to <see cref="HomeFor"/>.</summary>
    public string? Home { get; init; }

    /// <summary>The file's format.</summary>
    public DiskFormat Format { get; init; }

    /// <summary>Whether <c>latest</c> passes it over.</summary>
    public bool ExcludeFromLatest { get; init; }

    /// <summary>Labels, <c>KEY=VALUE</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Refuses what can't succeed before anything is asked of a service.</summary>
    /// <param name="fileSize">Bytes of the file; null when it lies elsewhere.</param>
    /// <exception cref="CommandFailure">The home is no target, or the file can't be a disk.</exception>
    public void Check(long? fileSize)
    {
        if (Home is not null && Targets.All(target => target.Region != Home))
        {
            throw CommandFailure.Usage(
                $"The home region '{Home}' is not among the target regions.",
                $"Add --to {Home}, or choose one of: {string.Join(", ", Targets.Select(target => target.Region))}."
            );
        }

        // A file that lays a disk out in tables may end anywhere.
        var ends = Format is DiskFormat.Unspecified or DiskFormat.Raw or DiskFormat.VhdFixed ? SectorSize : 1;
        if (fileSize is { } size && (size < SectorSize || size % ends != 0))
        {
            throw CommandFailure.Failed(
                $"The file is not a disk: its length of {fileSize} bytes is not a positive multiple of {SectorSize}.",
                "Check that it was copied completely."
            );
        }
    }

    /// <summary>The home region: the one that was named, else the definition's if it is a target, else the first target.</summary>
    public string HomeFor(string definitionLocation)
    {
        var location = TargetSpec.CanonicalRegion(definitionLocation);
        return Home ?? (Targets.Any(target => target.Region == location) ? location : Targets[0].Region);
    }

    /// <summary>The request to Catalog.</summary>
    /// <param name="home">The home region.</param>
    /// <param name="snapshot">The snapshot's resource name.</param>
    public CreateImageVersionRequest ToCreate(string home, string snapshot)
    {
        var profile = new ImageVersionPublishingProfile { ExcludeFromLatest = ExcludeFromLatest };
        profile.TargetRegions.AddRange(
            Targets.Select(target => new TargetRegion
            {
                Name = target.Region,
                RegionalReplicaCount = target.ReplicaCount,
                StorageAccountType = target.StorageType,
            })
        );
        var request = new CreateImageVersionRequest
        {
            Parent = Version.Parent.ToString(),
            ImageVersionId = Version.Id,
            ImageVersion = new ImageVersion
            {
                Location = home,
                StorageProfile = new StorageProfile { OsDiskImage = new OsDiskImage { Snapshot = snapshot } },
                PublishingProfile = profile,
            },
            RequestId = Invocation.NewRequestId(),
        };
        TagOption.Fill(request.ImageVersion.Tags, [.. Tags]);
        return request;
    }
}
