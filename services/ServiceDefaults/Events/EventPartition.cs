using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>
/// The loop that consumes one partition: new events in order for each subject, several subjects at a time, and failed and abandoned ones when
/// they are due.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A semaphore whose wait handle is never asked for holds nothing to dispose of.")]
internal sealed partial class EventPartition(
    EventSubscription subscription,
    Partition own,
    EventStream[] streams,
    string group,
    string consumer,
    EventDispatcher dispatcher,
    EventOptions options,
    EventMetrics metrics,
    ILogger logger
)
{
    private static readonly TimeSpan QuietCheck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ForgetInterval = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private bool _groupsExist;
    private long _nextPendingCheck;
    private long _nextForget = Later(ForgetInterval);

    /// <summary>Ends the loop's pause.</summary>
    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake already.
        }
    }

    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await EnsureGroupsAsync();
                var worked = await HandleNewAsync(stopping);
                if (Stopwatch.GetTimestamp() >= _nextPendingCheck)
                {
                    worked |= await HandlePendingAsync(stopping);
                    await ForgetConsumersAsync();
                }

                if (!worked)
                {
                    await _wake.WaitAsync(options.PollInterval, stopping);
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // Redis is away, was emptied, or an entry can't be moved: nothing is lost, the events are still in the stream.
                _groupsExist = false;
                LogInterrupted(exception, subscription.ProducerPrefix, own.Number);
                await Task.Delay(options.PollInterval, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static long Later(TimeSpan after) => Stopwatch.GetTimestamp() + (long)(after.TotalSeconds * Stopwatch.Frequency);

    private async Task EnsureGroupsAsync()
    {
        if (!_groupsExist)
        {
            foreach (var stream in streams)
            {
                await stream.EnsureGroupAsync();
            }

            _groupsExist = true;
        }
    }

    private async Task<bool> HandleNewAsync(CancellationToken stopping)
    {
        var worked = false;
        foreach (var stream in streams)
        {
            var entries = await stream.ReadNewAsync(options.BatchSize);
            worked |= entries.Length > 0;
            // Events about one subject follow each other; those about others need not wait for them.
            await Parallel.ForEachAsync(
                entries.GroupBy(SubjectOf),
                new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = stopping },
                async (subject, _) =>
                {
                    foreach (var entry in subject)
                    {
                        await HandleAsync(stream, entry, deliveries: 1, stopping);
                    }
                }
            );
        }

        return worked;
    }

    private static string SubjectOf(StreamEntry entry)
    {
        try
        {
            return EventEnvelope.Parser.ParseFrom((byte[]?)entry["p"] ?? []).Subject;
        }
        catch (InvalidProtocolBufferException)
        {
            return ""; // Its handling says what is wrong with it.
        }
    }

    private async Task<bool> HandlePendingAsync(CancellationToken stopping)
    {
        var worked = false;
        var waiting = false;
        foreach (var stream in streams)
        {
            await foreach (var pending in stream.PendingAsync())
            {
                var mine = pending.ConsumerName == consumer;
                var due = options.RetryDelay(pending.DeliveryCount);
                if (!mine && due < options.ClaimAfter)
                {
                    due = options.ClaimAfter;
                }

                waiting = true;
                if (
                    pending.IdleTimeInMilliseconds < due.TotalMilliseconds
                    || await stream.ClaimAsync(pending.MessageId, due) is not { } entry
                )
                {
                    continue;
                }

                worked = true;
                // Consumers that died over an event leave no failure behind. Twice the usual number, because deliveries that failed for
                // want
                // of a dependency count here, too.
                if (!mine && pending.DeliveryCount >= 2 * options.MaxDeliveries)
                {
                    await dispatcher.GiveUpAsync(subscription, own, stream, entry, pending.DeliveryCount);
                }
                else
                {
                    await HandleAsync(stream, entry, pending.DeliveryCount + 1, stopping);
                }
            }

            metrics.Depth(subscription.ProducerPrefix, own.Number, stream.IsRedrive, await stream.DepthAsync());
        }

        _nextPendingCheck = Later(waiting ? options.PollInterval : QuietCheck);
        return worked;
    }

    private async Task HandleAsync(EventStream stream, StreamEntry entry, int deliveries, CancellationToken stopping)
    {
        stopping.ThrowIfCancellationRequested();
        if (!await dispatcher.HandleAsync(subscription, own, stream, entry, group, consumer, deliveries, stopping))
        {
            lock (_gate)
            {
                _nextPendingCheck = Math.Min(_nextPendingCheck, Later(options.RetryBaseDelay));
            }
        }
    }

    private async Task ForgetConsumersAsync()
    {
        if (Stopwatch.GetTimestamp() < _nextForget)
        {
            return;
        }

        _nextForget = Later(ForgetInterval);
        foreach (var stream in streams)
        {
            await stream.ForgetConsumersAsync();
        }
    }

    [LoggerMessage(220, LogLevel.Warning, "Consuming {Producer} partition {Partition} was interrupted; it goes on")]
    private partial void LogInterrupted(Exception exception, string producer, int partition);
}
