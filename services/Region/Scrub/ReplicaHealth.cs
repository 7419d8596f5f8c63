using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;

namespace Gallery.Region.Scrub;

/// <summary>
/// Keeps what the node says of its replicas true: a replica that lacks a block which nobody on the node has is taken out of service, until
/// Replication has it repaired from another region.
/// </summary>
internal sealed partial class ReplicaHealth(ReplicaRegistry replicas, BlockMender mender, ILogger<ReplicaHealth> logger)
{
    /// <summary>Looks whether every ready replica of a store has all it needs, as far as the index tells. Blocks are not read.</summary>
    public async Task CensusAsync(RegionStore store, CancellationToken cancellationToken)
    {
        foreach (var replica in replicas.ReadyIn(store.Name))
        {
            var lost = 0;
            foreach (var disk in replica.Record?.Disks ?? [])
            {
                lost += await mender.MendContentAsync(store, disk.Content, thorough: false, cancellationToken);
            }

            if (lost > 0)
            {
                await DamageAsync(
                    replica,
                    $"{lost} of its blocks are missing, and no sound copy of them is on this node",
                    cancellationToken
                );
            }
        }
    }

    /// <summary>Checks a block and mends it; takes the replicas that need it out of service when it is lost.</summary>
    public async Task MendAsync(RegionStore store, BlockDigest digest, CancellationToken cancellationToken)
    {
        if (await mender.MendAsync(store, digest, cancellationToken) != MendOutcome.Lost)
        {
            return;
        }

        LogLost($"{store.Name}", $"{digest}");
        foreach (var replica in replicas.ReadyIn(store.Name))
        {
            if (await NeedsAsync(store, replica, digest, cancellationToken))
            {
                await DamageAsync(replica, $"its block {digest} is damaged, and no sound copy of it is on this node", cancellationToken);
            }
        }

        // Only now: whoever was told that the replica is complete must not find a hole in it.
        store.Blocks.Forget(digest);
    }

    private static async ValueTask<bool> NeedsAsync(
        RegionStore store,
        Replica replica,
        BlockDigest digest,
        CancellationToken cancellationToken
    )
    {
        foreach (var disk in replica.Record?.Disks ?? [])
        {
            await foreach (var needed in ManifestWalk.NeededAsync(store, disk.Content, cancellationToken))
            {
                if (!needed.IsReadable || needed.Digest == digest)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private async Task DamageAsync(Replica replica, string details, CancellationToken cancellationToken)
    {
        if (await replicas.DamageAsync(replica, details, cancellationToken))
        {
            LogDamaged(replica.Id, details);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Store {Store}: the block {Block} is damaged, and nobody on this node has it sound")]
    private partial void LogLost(string store, string block);

    [LoggerMessage(2, LogLevel.Error, "Replica {Replica} is out of service until it is repaired: {Details}")]
    private partial void LogDamaged(string replica, string details);
}
