using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Catalog.Activity;

/// <summary>Keeps and reads the activity log of each subscription.</summary>
internal sealed partial class ActivityLog(
    RedisStore store,
    TimeProvider clock,
    IOptions<ActivityOptions> options,
    ILogger<ActivityLog> logger
)
{
    // One read looks through so many entries at the most: a page of a rare kind may come short, and the next one goes on.
    private const int MostScanned = 2000;

    /// <summary>Logs in the same step as the change.</summary>
    public RedisMutation Append(RedisMutation mutation, ActivityLogEntry entry) =>
        mutation.AppendActivity(mutation.Partition.Activity(entry.SubscriptionId), entry, options.Value.Retention);

    /// <summary>Logs that a change was refused. A failure to log does not hide the refusal from the caller.</summary>
    public async Task RefusedAsync(Change change, RpcException refusal)
    {
        try
        {
            var entry = ActivityEntries.Refused(change, refusal, clock.GetUtcNow());
            await store.ExecuteAsync(Append(new RedisMutation(change.Partition), entry), CancellationToken.None);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            LogNotLogged(exception, change.Action, change.Name.Value);
        }
    }

    /// <summary>Reads entries, newest first.</summary>
    /// <param name="filter">Which entries.</param>
    /// <param name="size">How many at the most.</param>
    /// <param name="before">The position that the page before ended at; empty for the first page.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The entries, and the position to go on from; empty when there are no more.</returns>
    public async Task<(IReadOnlyList<ActivityLogEntry> Entries, string Position)> ReadAsync(
        ActivityFilter filter,
        int size,
        string before,
        CancellationToken cancellationToken
    )
    {
        var stream = store.PartitionOf(filter.Scope.SubscriptionId).Activity(filter.Scope.SubscriptionId);
        List<ActivityLogEntry> entries = [];
        for (var scanned = 0; scanned < MostScanned; )
        {
            var count = Math.Min(MostScanned - scanned, Math.Max(size, 100));
            var found = await store
                .Database.StreamRangeAsync(
                    stream,
                    maxId: before.Length == 0 ? default(RedisValue?) : $"({before}",
                    count: count,
                    messageOrder: Order.Descending
                )
                .WaitAsync(cancellationToken);
            foreach (var item in found)
            {
                before = item.Id.ToString();
                var entry = ActivityLogEntry.Parser.ParseFrom((byte[])item["p"]!);
                if (filter.Admits(entry))
                {
                    entries.Add(entry);
                    if (entries.Count == size)
                    {
                        return (entries, before);
                    }
                }
            }

            if (found.Length < count)
            {
                return (entries, "");
            }

            scanned += found.Length;
        }

        return (entries, before);
    }

    [LoggerMessage(200, LogLevel.Warning, "The refusal of {Action} on {Resource} could not be logged in the activity log")]
    private partial void LogNotLogged(Exception exception, string action, string resource);
}

/// <summary>Which entries of the log are asked for.</summary>
/// <param name="Scope">At or below this resource.</param>
/// <param name="From">From this time on.</param>
/// <param name="Until">Before this time.</param>
/// <param name="OperationName">Of this action; all when empty.</param>
/// <param name="Status">With this status; all when unspecified.</param>
internal sealed record ActivityFilter(
    ResourceName Scope,
    DateTimeOffset? From,
    DateTimeOffset? Until,
    string OperationName,
    ActivityStatus Status
)
{
    /// <summary>Whether an entry is one of those.</summary>
    public bool Admits(ActivityLogEntry entry)
    {
        var time = entry.EventTime.ToDateTimeOffset();
        return (From is null || time >= From)
            && (Until is null || time < Until)
            && (OperationName.Length == 0 || entry.OperationName.Equals(OperationName, StringComparison.OrdinalIgnoreCase))
            && (Status == ActivityStatus.Unspecified || entry.Status == Status)
            && ResourceName.TryParse(entry.Resource, out var resource)
            && resource.IsAtOrBelow(Scope);
    }
}
