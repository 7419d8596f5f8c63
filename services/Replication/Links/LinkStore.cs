using Gallery.Contracts.Region.V1;
using Gallery.Replication.Records;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Replication.Links;

/// <summary>Keeps what is known of the ways between regions: a hash a target region, with a field a source.</summary>
internal sealed class LinkStore(RedisStore redis, IOptions<LinkMonitorOptions> options, TimeProvider clock)
{
    /// <summary>How long what is known counts.</summary>
    public LinkMonitorOptions Options => options.Value;

    /// <summary>What was measured of the ways to a region, by source.</summary>
    public async Task<IReadOnlyDictionary<string, LinkRecord>> ReadAsync(string target, CancellationToken cancellationToken)
    {
        var fields = await redis.Database.HashGetAllAsync(KeyOf(target)).WaitAsync(cancellationToken);
        return fields.ToDictionary(field => field.Name.ToString(), field => LinkRecord.Parser.ParseFrom((byte[])field.Value!));
    }

    /// <summary>What still counts of it.</summary>
    public async Task<IReadOnlyDictionary<string, LinkEstimate>> EstimateAsync(string target, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        return (await ReadAsync(target, cancellationToken)).ToDictionary(
            link => link.Key,
            link => LinkRules.Estimate(link.Value, Options, now)
        );
    }

    /// <summary>Takes in what a region's node measured. One process does it at a time for a region; who comes too late is overwritten soon.</summary>
    public async Task MergeAsync(string target, IReadOnlyList<PeerLink> measured, CancellationToken cancellationToken)
    {
        if (measured.Count == 0)
        {
            return;
        }

        var before = await ReadAsync(target, cancellationToken);
        var now = clock.GetUtcNow();
        var mutation = new RedisMutation(redis.Partitions[0]);
        foreach (var link in measured)
        {
            mutation.SetHashField(
                KeyOf(target),
                link.Region,
                LinkRules.Merge(before.GetValueOrDefault(link.Region), link, Options, now).ToByteArray()
            );
        }

        await redis.ExecuteAsync(mutation, cancellationToken);
    }

    private RedisKey KeyOf(string target) => redis.Partitions[0].Key("links", target);
}
