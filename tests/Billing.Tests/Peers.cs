using System.Collections.Concurrent;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Billing.Tests;

/// <summary>Stands for Replication's registry of regions.</summary>
public sealed class ScriptedRegions : RegionService.RegionServiceBase
{
    public static IReadOnlyList<(string Name, string Continent, int Zones)> Regions { get; } =
    [
        ("westus", "North America", 1),
        ("westus2", "North America", 3),
        ("eastus", "North America", 3),
        ("centralus", "North America", 3),
        ("northeurope", "Europe", 3),
        ("westeurope", "Europe", 3),
        ("southeastasia", "Asia", 3),
        ("australiacentral", "Oceania", 1),
        ("brazilsouth", "South America", 3),
    ];

    public override Task<ListRegionsResponse> ListRegions(ListRegionsRequest request, ServerCallContext context) =>
        Task.FromResult(
            new ListRegionsResponse
            {
                Regions =
                {
                    Regions.Select(each => new Region
                    {
                        Name = each.Name,
                        Continent = each.Continent,
                        ZoneCount = each.Zones,
                    }),
                },
            }
        );
}

/// <summary>Stands for Catalog: knows the versions that it is told.</summary>
public sealed class ScriptedVersions : ImageVersionService.ImageVersionServiceBase
{
    public ConcurrentDictionary<string, ImageVersion> Versions { get; } = new(StringComparer.OrdinalIgnoreCase);

    public override Task<GetImageVersionResponse> GetImageVersion(GetImageVersionRequest request, ServerCallContext context) =>
        Versions.TryGetValue(request.Name, out var version)
            ? Task.FromResult(new GetImageVersionResponse { ImageVersion = version })
            : throw GalleryError.NotFound("image version", request.Name);

    public static TargetRegion Target(string region, int replicas, StorageAccountType type = StorageAccountType.Unspecified) =>
        new()
        {
            Name = region,
            RegionalReplicaCount = replicas,
            StorageAccountType = type,
        };
}
