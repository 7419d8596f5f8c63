using Gallery.Replication.Placement;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Scaling;

/// <summary>
/// Lets the number of replicas of a version in a region follow its leases. What is decided is written in one step with the replicas that come
/// and go; a replica goes only if no machine holds a lease on it in that very step. Any number of processes may do it at once.
/// </summary>
internal sealed partial class ReplicaScaler(
    VersionStore versions,
    LeaseStore leases,
    RegionRegistry regions,
    IOptions<PlacementOptions> placement,
    TimeProvider clock,
    ILogger<ReplicaScaler> logger
)
{
    private const int MostConflicts = 100;

    /// <summary>Looks at the load, and changes the number of replicas if it takes another. True when it did.</summary>
    public async Task<bool> AdjustAsync(ResourceName version, string region, CancellationToken cancellationToken)
    {
        if (
            await versions.ReadAsync(version, cancellationToken) is not { Version.Phase: VersionPhase.Active } before
            || before.RegionOf(region) is not { WantedCount: > 0, Scaling: not null } record
        )
        {
            return false;
        }

        var demand = await DemandAsync(version, region, cancellationToken);
        var now = clock.GetUtcNow();
        var (count, surplusSince) = ScalingRules.Decide(record, demand, placement.Value.MachinesPerReplica, now);
        if (count == record.WantedCount && Equals(surplusSince, record.Scaling.SurplusSinceTime))
        {
            return false;
        }

        var after = Reconciliation.Scale(
            before,
            region,
            changed => (changed.WantedCount, changed.Scaling.SurplusSinceTime) = (count, surplusSince),
            regions.Contains(region),
            now
        );
        // When somebody was faster, or placed a machine on what was to go, it is looked at again soon.
        var written = await versions.TryWriteAsync(
            before,
            after,
            [],
            cancellationToken,
            (mutation, conflict) => RequireIdle(mutation, before, after, conflict)
        );
        if (written is not null && count != record.WantedCount)
        {
            LogScaled(version.Value, region, record.WantedCount, count, demand.LeasedMachines, demand.UnmetMachines);
        }

        return written is not null && count != record.WantedCount;
    }

    /// <summary>Changes how a version scales in a region.</summary>
    /// <param name="version">The version.</param>
    /// <param name="region">The region.</param>
    /// <param name="change">Changes what is wanted there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The region as it is stored now; null when it is not one of the version's target regions.</returns>
    public async Task<RegionRecord?> ChangeAsync(
        ResourceName version,
        string region,
        Action<RegionRecord> change,
        CancellationToken cancellationToken
    )
    {
        for (var conflict = 0; conflict < MostConflicts; conflict++)
        {
            if (
                await versions.ReadAsync(version, cancellationToken) is not { Version.Phase: VersionPhase.Active } before
                || before.RegionOf(region) is not { WantedCount: > 0 } record
            )
            {
                return null;
            }

            var after = Reconciliation.Scale(before, region, change, regions.Contains(region), clock.GetUtcNow());
            if (after.RegionOf(region)!.Equals(record))
            {
                return record;
            }

            if (await versions.TryWriteAsync(before, after, [], cancellationToken) is { } written)
            {
                return written.RegionOf(region);
            }
        }

        throw GalleryError.OperationNotAllowed(version.Value, "it changes all the time.");
    }

    private async Task<ReplicaDemand> DemandAsync(ResourceName version, string region, CancellationToken cancellationToken)
    {
        var loads = await leases.LoadsAsync(version, region, cancellationToken);
        var unmet = await leases.UnmetAsync(version, region, cancellationToken);
        var occupied = loads.Where(load => load.Value > 0).Select(load => 1 + ReplicaSpread.OrdinalOf(load.Key)).DefaultIfEmpty().Max();
        return new ReplicaDemand(loads.Values.Sum(), unmet, occupied);
    }

    private static void RequireIdle(RedisMutation mutation, VersionDocument before, VersionDocument after, Func<RpcException> conflict)
    {
        foreach (var (uid, replica) in after.Replicas)
        {
            if (replica.State == Contracts.Events.V1.ReplicaState.Deleting && before.Replicas[uid].State != replica.State)
            {
                mutation.RequireUnscored(VersionKeys.Serving(mutation.Partition, after.Name, replica.Region), uid, conflict);
            }
        }
    }

    [LoggerMessage(
        3700,
        LogLevel.Information,
        "Version {Version} goes from {Before} to {After} replicas in {Region}: {Leased} machines hold leases, {Unmet} did not fit"
    )]
    private partial void LogScaled(string version, string region, int before, int after, int leased, int unmet);
}
