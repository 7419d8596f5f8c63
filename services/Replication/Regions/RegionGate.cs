using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Replication.Regions;

/// <summary>Refuses calls for a region that can't serve now.</summary>
internal sealed class RegionGate(RegionHealthStore store)
{
    private static readonly TimeSpan DownRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DrainRetry = TimeSpan.FromMinutes(1);

    /// <summary>Refuses with REGION_UNAVAILABLE a region whose node does not answer, or that is being drained.</summary>
    public async Task RequireUsableAsync(string region, CancellationToken cancellationToken)
    {
        var health = await store.ReadAsync(region, cancellationToken);
        switch (health.State)
        {
            case RegionState.Down:
                throw Unavailable(region, health.Record.Details);
            case RegionState.Draining:
                throw GalleryError.Unavailable(
                    ErrorReason.RegionUnavailable,
                    $"The region {region} is {health.DrainDetails}. It takes nothing new.",
                    DrainRetry
                );
        }
    }

    /// <summary>The refusal of a call whose region does not answer.</summary>
    public static RpcException Unavailable(string region, string why) =>
        GalleryError.Unavailable(ErrorReason.RegionUnavailable, $"The region {region} does not answer ({why}). Try again.", DownRetry);
}
