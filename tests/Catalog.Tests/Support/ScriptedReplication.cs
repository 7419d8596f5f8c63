using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Catalog.Tests.Support;

/// <summary>The regions of the default installation.</summary>
public sealed class ScriptedRegions : RegionService.RegionServiceBase
{
    private readonly ConcurrentDictionary<string, bool> _approved = new();

    /// <summary>Lets a subscription use the restricted region.</summary>
    public void Approve(string subscription) => _approved[$"subscriptions/{subscription}"] = true;

    public void Revoke(string subscription) => _approved.TryRemove($"subscriptions/{subscription}", out _);

    public override Task<ListRegionsResponse> ListRegions(ListRegionsRequest request, ServerCallContext context)
    {
        var restricted = _approved.ContainsKey(request.Subscription) ? RegionAvailability.Available : RegionAvailability.Restricted;
        return Task.FromResult(
            new ListRegionsResponse
            {
                Regions =
                {
                    new Region
                    {
                        Name = "westus",
                        DisplayName = "West US",
                        ZoneCount = 1,
                        Availability = RegionAvailability.Available,
                    },
                    new Region
                    {
                        Name = "eastus",
                        DisplayName = "East US",
                        ZoneCount = 3,
                        Availability = RegionAvailability.Available,
                    },
                    new Region
                    {
                        Name = "northeurope",
                        DisplayName = "North Europe",
                        ZoneCount = 3,
                        Availability = RegionAvailability.Available,
                    },
                    new Region
                    {
                        Name = "brazilsouth",
                        DisplayName = "Brazil South",
                        ZoneCount = 3,
                        Availability = RegionAvailability.Available,
                    },
                    new Region
                    {
                        Name = "australiacentral",
                        DisplayName = "Australia Central",
                        ZoneCount = 1,
                        Restricted = true,
                        Availability = restricted,
                    },
                },
            }
        );
    }
}

/// <summary>Snapshots, by name.</summary>
public sealed class ScriptedSnapshots : SnapshotService.SnapshotServiceBase
{
    private readonly ConcurrentDictionary<string, Snapshot> _snapshots = new(StringComparer.OrdinalIgnoreCase);

    public string Add(string subscription, string name, Action<Snapshot>? change = null)
    {
        var snapshot = new Snapshot
        {
            Name = $"subscriptions/{subscription}/resourceGroups/rg1/snapshots/{name}",
            Uid = Guid.NewGuid().ToString(),
            Region = "westus",
            State = SnapshotState.Ready,
            Content = new ContentDescriptor
            {
                Digest = $"sha256:{Guid.NewGuid():N}{Guid.NewGuid():N}",
                VirtualSizeBytes = 4L << 30,
                OccupiedSizeBytes = 512L << 20,
            },
        };
        change?.Invoke(snapshot);
        _snapshots[snapshot.Name] = snapshot;
        return snapshot.Name;
    }

    public override Task<GetSnapshotResponse> GetSnapshot(GetSnapshotRequest request, ServerCallContext context) =>
        _snapshots.TryGetValue(request.Name, out var snapshot)
            ? Task.FromResult(new GetSnapshotResponse { Snapshot = snapshot })
            : throw GalleryError.NotFound("snapshot", request.Name);
}
