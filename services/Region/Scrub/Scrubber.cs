using System.Text.Json;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Scrub;

/// <summary>
/// Reads every block of every store again and again, within a budget, and has mended what is damaged. When a pass has come to its end, every
/// replica that was ready before it began was checked as a whole since then, and says so.
/// </summary>
internal sealed partial class Scrubber(
    StoreSet stores,
    ReplicaRegistry replicas,
    ReplicaHealth health,
    RegionTelemetry telemetry,
    IOptions<RegionOptions> options,
    TimeProvider time,
    ILogger<Scrubber> logger
) : BackgroundService
{
    private const string Kind = "scrub";
    private const string Name = "state";
    private const long SaveBytes = 64L * 1024 * 1024;
    private static readonly TimeSpan SaveInterval = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.ScrubBytesPerSecond == 0)
        {
            return;
        }

        using var pace = new BackgroundPace(options.Value.ScrubBytesPerSecond);
        using var timer = new PeriodicTimer(options.Value.CollectionInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var store in stores.Stores.Where(store => store.Failure.Length == 0))
            {
                await TryScrubAsync(store, pace, stoppingToken);
            }
        }
    }

    private async Task TryScrubAsync(RegionStore store, BackgroundPace pace, CancellationToken cancellationToken)
    {
        try
        {
            await ScrubAsync(store, pace, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Its zone went away, or its disk is full: the pass goes on from the last place that was written down.
            LogFailed(exception, $"{store.Name}");
        }
    }

    private async Task ScrubAsync(RegionStore store, BackgroundPace pace, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var record = await ReadAsync(store, cancellationToken);
        if (record is null)
        {
            // A new store: what is in it has just been checked on its way in.
            await SaveAsync(store, new ScrubRecord { BeginTime = now, EndTime = now }, cancellationToken);
            return;
        }

        if (record.EndTime is not null)
        {
            if (now - record.BeginTime < options.Value.ScrubInterval)
            {
                return;
            }

            record = new ScrubRecord { BeginTime = now };
            await SaveAsync(store, record, cancellationToken);
        }

        await health.CensusAsync(store, cancellationToken);
        for (; record.Zone < store.Zones.Count; record = record with { Zone = record.Zone + 1, Segment = 0, Offset = 0 })
        {
            record = await ScrubZoneAsync(store, record, pace, cancellationToken);
        }

        await SaveAsync(store, record with { EndTime = time.GetUtcNow() }, cancellationToken);
        if (!record.IsPartial)
        {
            await replicas.VerifiedAsync(store.Name, record.BeginTime, cancellationToken);
        }

        LogEnded($"{store.Name}", record.ReadBytes, record.BadBlocks);
    }

    private async Task<ScrubRecord> ScrubZoneAsync(
        RegionStore store,
        ScrubRecord record,
        BackgroundPace pace,
        CancellationToken cancellationToken
    )
    {
        var part = store.Zones[record.Zone];
        var (savedBytes, savedTime) = (record.ReadBytes, time.GetTimestamp());
        try
        {
            await foreach (var step in part.ScrubAsync(record.Position, pace.WaitAsync, cancellationToken))
            {
                foreach (var block in step.Bad)
                {
                    await health.MendAsync(store, block.Digest, cancellationToken);
                }

                telemetry.Scrubbed(step.Bytes, step.Bad.Count, store.Name);
                record = After(record, step);
                if (record.ReadBytes - savedBytes >= SaveBytes || time.GetElapsedTime(savedTime) >= SaveInterval)
                {
                    (savedBytes, savedTime) = (record.ReadBytes, time.GetTimestamp());
                    await SaveAsync(store, record, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            await SaveAsync(store, record, CancellationToken.None);
            throw;
        }

        return record with
        {
            IsPartial = record.IsPartial || part.Failure.Length > 0,
        };
    }

    private static ScrubRecord After(ScrubRecord record, ScrubStep step) =>
        record with
        {
            Segment = step.Next.Segment,
            Offset = step.Next.Offset,
            ReadBytes = record.ReadBytes + step.Bytes,
            BadBlocks = record.BadBlocks + step.Bad.Count,
        };

    private static async Task<ScrubRecord?> ReadAsync(RegionStore store, CancellationToken cancellationToken)
    {
        try
        {
            return await store.Records.TryGetAsync(Kind, Name, cancellationToken) is { } bytes
                ? JsonSerializer.Deserialize(bytes, ScrubJson.Default.ScrubRecord)
                : null;
        }
        catch (Exception exception) when (exception is BlockCorruptException or JsonException)
        {
            // The worst that comes of a damaged note is that the pass begins anew.
            return null;
        }
    }

    private static ValueTask SaveAsync(RegionStore store, ScrubRecord record, CancellationToken cancellationToken) =>
        store.Records.PutAsync(Kind, Name, JsonSerializer.SerializeToUtf8Bytes(record, ScrubJson.Default.ScrubRecord), cancellationToken);

    [LoggerMessage(1, LogLevel.Debug, "Store {Store}: a scrub has read {ReadBytes} bytes and found {BadBlocks} damaged blocks")]
    private partial void LogEnded(string store, long readBytes, long badBlocks);

    [LoggerMessage(2, LogLevel.Warning, "The scrub of store {Store} was interrupted")]
    private partial void LogFailed(Exception exception, string store);
}
