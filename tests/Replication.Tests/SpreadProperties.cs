using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Replication.Placement;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Replication.Tests;

/// <summary>Replicas that hold machines already, and placements that follow one another.</summary>
public sealed record Rollout(int[] Loads, int[] Placements, int Capacity)
{
    public override string ToString() =>
        $"capacity {Capacity}, loads [{string.Join(',', Loads)}], placements [{string.Join(',', Placements)}]";
}

public static class RolloutGenerator
{
    public static Arbitrary<Rollout> Rollouts() =>
        (
            from capacity in Gen.Elements(1, 2, 7, 20, 50)
            from replicas in Gen.OneOf(Gen.Choose(1, 4), Gen.Choose(1, 100))
            // A load above the capacity is what a lowered setting leaves behind.
            from loads in Gen.ListOf(Gen.Choose(0, capacity + 3), replicas)
            from placements in Gen.ListOf(Gen.OneOf(Gen.Choose(1, 10), Gen.Choose(1, 1000)), 3)
            select new Rollout([.. loads], [.. placements], capacity)
        ).ToArbitrary();
}

/// <summary>What the placement's one atomic step promises, whatever the replicas hold already.</summary>
[Properties(Arbitrary = [typeof(RolloutGenerator)], MaxTest = 150)]
public sealed class SpreadProperties(SharedHouse shared) : IClassFixture<SharedHouse>
{
    private IServiceProvider Services => shared.House.Host.Services;

    [Property]
    public async Task No_replica_gets_more_than_its_share(Rollout rollout)
    {
        var redis = Services.GetRequiredService<RedisStore>();
        var leases = Leases(rollout.Capacity);
        var version = NewVersion();
        var loads = await PutAsync(redis, version, rollout.Loads);
        foreach (var machines in rollout.Placements)
        {
            var outcome = (await leases.PlaceAsync(version, "westus", machines, "u.", TimeSpan.FromHours(1), null, default))!;
            var free = loads.Values.Sum(load => Math.Max(0, rollout.Capacity - load));
            if (machines > free)
            {
                Assert.Empty(outcome.Leases);
                Assert.Equal(
                    (loads.Count, free, loads.Values.Sum()),
                    (outcome.ReadyReplicas, outcome.FreeMachines, outcome.LeasedMachines)
                );
                continue;
            }

            var after = outcome.Spread.ToDictionary(spread => spread.ReplicaUid, spread => spread.After);
            Assert.Equal(loads, outcome.Spread.ToDictionary(spread => spread.ReplicaUid, spread => spread.Before));
            Assert.Equal(machines, outcome.Leases.Sum(lease => lease.Machines));
            Assert.All(outcome.Leases, lease => Assert.Equal(lease.Machines, after[lease.ReplicaUid] - loads[lease.ReplicaUid]));
            Assert.Equal(machines, after.Sum(load => load.Value - loads[load.Key]));
            var taken = outcome.Leases.Select(lease => lease.ReplicaUid).ToList();
            Assert.All(taken, uid => Assert.InRange(after[uid], 1, rollout.Capacity));
            Assert.All(taken, uid => Assert.InRange(after[uid], 1, after.Values.Min() + 1));
            Assert.Equal(after, await leases.LoadsAsync(version, "westus", default));
            loads = after;
        }
    }

    private static ResourceName NewVersion()
    {
        var name = $"subscriptions/{Guid.NewGuid():D}/resourceGroups/rg/galleries/g/images/i/versions/1.0.0";
        Assert.True(ResourceName.TryParse(name, ResourceKind.ImageVersion, out var version));
        return version;
    }

    private static async Task<Dictionary<string, int>> PutAsync(RedisStore redis, ResourceName version, int[] loads)
    {
        var key = VersionKeys.Serving(redis.PartitionOf(version.SubscriptionId), version, "westus");
        var byUid = loads.Select((load, ordinal) => ($"u.westus.{ordinal}.1", load)).ToDictionary();
        await redis.Database.SortedSetAddAsync(key, [.. byUid.Select(load => new SortedSetEntry(load.Key, load.Value))]);
        return byUid;
    }

    private LeaseStore Leases(int capacity) =>
        new(
            Services.GetRequiredService<RedisStore>(),
            Options.Create(new PlacementOptions { MachinesPerReplica = capacity }),
            Services.GetRequiredService<IOptions<RedisStoreOptions>>(),
            TimeProvider.System
        );
}
