using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using StackExchange.Redis;

namespace Gallery.Replication.Regions;

/// <summary>
/// Keeps how each region is, for all processes of this service. Regions belong to no subscription; they lie in the first partition, so
/// that a change and the event that tells of it are one step.
/// </summary>
internal sealed class RegionHealthStore(RedisStore redis, RegionRegistry regions)
{
    private const string DrainedField = "d";
    private static readonly RedisValue[] Fields = ["p", "e", DrainedField];
    private static readonly JsonParser DrainParser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private Partition Partition => redis.Partitions[0];

    /// <summary>How a region is.</summary>
    public async Task<RegionHealth> ReadAsync(string region, CancellationToken cancellationToken) =>
        Parse(region, await redis.Database.HashGetAsync(KeyOf(region), Fields).WaitAsync(cancellationToken));

    /// <summary>How all regions are, by name.</summary>
    public async Task<IReadOnlyDictionary<string, RegionHealth>> ReadAllAsync(CancellationToken cancellationToken)
    {
        var reads = regions.All.Select(region => redis.Database.HashGetAsync(KeyOf(region.Name), Fields)).ToArray();
        var found = await Task.WhenAll(reads).WaitAsync(cancellationToken);
        return regions.All.Zip(found, (region, fields) => Parse(region.Name, fields)).ToDictionary(health => health.Region);
    }

    /// <summary>Writes what a heartbeat found, and tells of a change of state. False when another process wrote in between.</summary>
    public async Task<bool> TryWriteAsync(RegionHealth before, RegionHealthRecord record, CancellationToken cancellationToken)
    {
        var conflict = GalleryError.EtagMismatch(before.Region);
        var mutation = new RedisMutation(Partition);
        if (before.Etag.Length > 0)
        {
            mutation.RequireEtag(KeyOf(before.Region), before.Etag, () => conflict);
        }
        else
        {
            mutation.RequireFieldAbsent(KeyOf(before.Region), "e", () => conflict);
        }

        mutation.PutRecord(KeyOf(before.Region), record, Etag.New());
        Tell(mutation, before, before with { Record = record });
        return await redis.TryExecuteAsync(mutation, conflict, cancellationToken);
    }

    /// <summary>Takes a region out of use; doing it again with another reason replaces the reason.</summary>
    public async Task DrainAsync(string region, DrainRecord drain, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (before, stored) = await ReadDrainAsync(region, cancellationToken);
            if (before.Drained && (drain.Reason.Length == 0 || drain.Reason == before.Drain.Reason))
            {
                return;
            }

            var after = drain.Clone();
            after.Time = before.Drained ? before.Drain.Time : drain.Time;
            var conflict = GalleryError.EtagMismatch(region);
            var mutation = new RedisMutation(Partition);
            if (before.Drained)
            {
                mutation.RequireField(KeyOf(region), DrainedField, stored, () => conflict);
            }
            else
            {
                mutation.RequireFieldAbsent(KeyOf(region), DrainedField, () => conflict);
            }

            mutation.SetHashField(KeyOf(region), DrainedField, JsonFormatter.Default.Format(after));
            Tell(mutation, before, before with { Drained = true, Drain = after });
            if (await redis.TryExecuteAsync(mutation, conflict, cancellationToken))
            {
                return;
            }
        }
    }

    /// <summary>Takes a region back into use. True when that changed anything.</summary>
    public async Task<bool> UndrainAsync(string region, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (before, stored) = await ReadDrainAsync(region, cancellationToken);
            if (!before.Drained)
            {
                return false;
            }

            var conflict = GalleryError.EtagMismatch(region);
            var mutation = new RedisMutation(Partition)
                .RequireField(KeyOf(region), DrainedField, stored, () => conflict)
                .RemoveHashField(KeyOf(region), DrainedField);
            Tell(mutation, before, before with { Drained = false, Drain = new DrainRecord() });
            if (await redis.TryExecuteAsync(mutation, conflict, cancellationToken))
            {
                return true;
            }
        }
    }

    /// <summary>Takes or keeps the right to ask a region how it is, so that one process does it for all.</summary>
    public async Task<bool> LeadAsync(string region, string holder, TimeSpan duration)
    {
        var key = Partition.Key("monitor", region);
        return await redis.Database.LockExtendAsync(key, holder, duration) || await redis.Database.LockTakeAsync(key, holder, duration);
    }

    private static void Tell(RedisMutation mutation, RegionHealth before, RegionHealth after)
    {
        if (before.State == after.State)
        {
            return;
        }

        mutation.AppendEvent(
            new EventEnvelope
            {
                Subject = after.Region,
                RegionStateChanged = new RegionStateChanged
                {
                    Region = after.Region,
                    State = after.State.ToString().ToLowerInvariant(),
                    Details = after.Details,
                },
            }
        );
    }

    private async Task<(RegionHealth Health, string Drain)> ReadDrainAsync(string region, CancellationToken cancellationToken)
    {
        var fields = await redis.Database.HashGetAsync(KeyOf(region), Fields).WaitAsync(cancellationToken);
        return (Parse(region, fields), fields[2].ToString());
    }

    private static RegionHealth Parse(string region, RedisValue[] fields) =>
        new(
            region,
            fields[0].IsNull
                ? new RegionHealthRecord { State = RegionState.Unspecified }
                : RegionHealthRecord.Parser.ParseFrom((byte[])fields[0]!),
            Drained: !fields[2].IsNull,
            fields[1].IsNull ? "" : fields[1].ToString()
        )
        {
            // Earlier releases wrote down no more than that it is drained.
            Drain = fields[2].IsNull || fields[2] == "1" ? new DrainRecord() : DrainParser.Parse<DrainRecord>(fields[2].ToString()),
        };

    private RedisKey KeyOf(string region) => Partition.Key("region", region);
}
