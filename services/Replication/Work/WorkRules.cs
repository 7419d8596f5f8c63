using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Status;
using Gallery.Replication.Versions;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Work;

/// <summary>Why an attempt failed.</summary>
/// <param name="Problem">In words, without a full stop.</param>
/// <param name="BlockedBy">The region whose return would help; empty when none is known.</param>
/// <param name="IsFinal">No further attempt can succeed.</param>
/// <param name="RetryAfter">When to try again, if something other than the usual wait decides it.</param>
/// <param name="IsHold">Somebody wants it to wait: patience does not run out meanwhile.</param>
internal sealed record WorkFailure(
    string Problem,
    string BlockedBy = "",
    bool IsFinal = false,
    TimeSpan? RetryAfter = null,
    bool IsHold = false
);

/// <summary>What a node told of a replica when it was complete.</summary>
/// <param name="TransferredBytes">Block bytes that crossed a region border.</param>
/// <param name="SourceRegion">The region the bytes came from.</param>
/// <param name="ReadyTime">When it became complete.</param>
/// <param name="VerifiedTime">When its blocks were checked.</param>
internal sealed record CompletedCopy(long TransferredBytes, string SourceRegion, DateTimeOffset ReadyTime, DateTimeOffset VerifiedTime);

/// <summary>
/// The steps of a replica's life that workers make. Pure: each makes a changed copy of the document, or answers null when the step is not
/// allowed, because the work is somebody else's by now or nothing is left to do.
/// </summary>
internal static class WorkRules
{
    /// <summary>A worker takes the work on a replica. Null when it is not due or somebody holds it.</summary>
    public static VersionDocument? Claim(VersionDocument document, string uid, DateTimeOffset now, TimeSpan lease)
    {
        if (
            !document.Replicas.TryGetValue(uid, out var replica)
            || Schedule.Of(document, replica) is not { } due
            || due.Time > now.ToUnixTimeMilliseconds()
            || !document.ClaimOf(uid).IsFree(now)
        )
        {
            return null;
        }

        var after = document.Clone();
        var claimed = after.Replicas[uid];
        KeepProgress(document, claimed); // Of a holder that was not heard of again.
        claimed.AttemptCount++;
        claimed.BlockedBy = "";
        if (claimed.State == ReplicaState.Queued)
        {
            claimed.State = ReplicaState.Copying;
            claimed.RetryTime = null;
        }

        after.Claims[uid] = document.ClaimOf(uid).Next(now + lease);
        return Touch(after, claimed, now);
    }

    /// <summary>The holder has made the replica complete. Null when it is not the holder any more.</summary>
    public static VersionDocument? Complete(VersionDocument document, string uid, long token, CompletedCopy copy, DateTimeOffset now)
    {
        if (!Holds(document, uid, token, ReplicaState.Copying))
        {
            return null;
        }

        var after = document.Clone();
        var replica = after.Replicas[uid];
        var region = after.RegionOf(replica.Region)!;
        replica.State = ReplicaState.Ready;
        replica.Problem = "";
        replica.FailureCount = 0;
        replica.CopiedBytes = after.OccupiedBytes;
        // A node that ended without warning may have forgotten some that it told of before.
        replica.TransferredBytes = Math.Max(copy.TransferredBytes, StatusRules.TransferredBytes(document, document.Replicas[uid]));
        replica.SourceRegion = copy.SourceRegion.Length > 0 ? copy.SourceRegion : replica.Region;
        replica.ReadyTime = Timestamp.FromDateTimeOffset(copy.ReadyTime);
        replica.LastVerifiedTime = Timestamp.FromDateTimeOffset(copy.VerifiedTime);
        replica.RegionReAdded = region.TimesAdded > 1;
        if (region.FirstReplicaUid.Length == 0)
        {
            region.FirstReplicaUid = uid;
            replica.FirstInRegion = replica.Region != after.Version.HomeRegion;
        }

        if (StatusRules.StateOf(after, region) == Contracts.Common.V1.RegionalReplicationState.Completed)
        {
            region.CompleteTime ??= Timestamp.FromDateTimeOffset(now);
        }

        after.Claims[uid] = document.ClaimOf(uid).Released();
        return Touch(after, replica, now);
    }

    /// <summary>The holder's attempt failed: it waits for the next one, or is given up. Null when it is not the holder any more.</summary>
    /// <param name="document">The document.</param>
    /// <param name="uid">The replica.</param>
    /// <param name="token">The holder's fencing token.</param>
    /// <param name="failure">Why.</param>
    /// <param name="options">Waits and patience.</param>
    /// <param name="jitter">A number from 0 to 1, by chance.</param>
    /// <param name="now">The time.</param>
    public static VersionDocument? Fail(
        VersionDocument document,
        string uid,
        long token,
        WorkFailure failure,
        WorkOptions options,
        double jitter,
        DateTimeOffset now
    )
    {
        if (!Holds(document, uid, token, ReplicaState.Copying, ReplicaState.Deleting, ReplicaState.Cancelled))
        {
            return null;
        }

        var after = document.Clone();
        var replica = after.Replicas[uid];
        KeepProgress(document, replica);
        replica.Problem = failure.Problem;
        replica.BlockedBy = failure.BlockedBy;
        replica.FailureCount++;
        replica.RetryTime = Timestamp.FromDateTimeOffset(now + (failure.RetryAfter ?? Wait(replica.FailureCount, options, jitter)));
        after.Claims[uid] = document.ClaimOf(uid).Released();
        if (replica.State == ReplicaState.Copying)
        {
            replica.State = ReplicaState.Queued;
            if (failure.IsHold)
            {
                replica.BudgetStartTime = Timestamp.FromDateTimeOffset(now);
            }

            if (failure.IsFinal || now - replica.BudgetStartTime.ToDateTimeOffset() >= options.RetryBudget)
            {
                GiveUp(after, replica);
            }
        }

        return Touch(after, replica, now);
    }

    /// <summary>The holder stops before it is through, and does not count it as an attempt. Null when it is not the holder any more.</summary>
    public static VersionDocument? Release(VersionDocument document, string uid, long token, DateTimeOffset now)
    {
        if (!Holds(document, uid, token, ReplicaState.Copying, ReplicaState.Deleting, ReplicaState.Cancelled))
        {
            return null;
        }

        var after = document.Clone();
        var replica = after.Replicas[uid];
        KeepProgress(document, replica);
        replica.AttemptCount--;
        replica.RetryTime = Timestamp.FromDateTimeOffset(now);
        if (replica.State == ReplicaState.Copying)
        {
            replica.State = ReplicaState.Queued;
        }

        after.Claims[uid] = document.ClaimOf(uid).Released();
        return Touch(after, replica, now);
    }

    /// <summary>The bytes of a replica that is out of service are freed: it is forgotten. Null when the worker is not the holder any more.</summary>
    public static VersionDocument? Freed(VersionDocument document, string uid, long token, DateTimeOffset now)
    {
        if (!Holds(document, uid, token, ReplicaState.Deleting))
        {
            return null;
        }

        var after = document.Clone();
        Touch(after, after.Replicas[uid], now);
        after.Replicas.Remove(uid);
        after.Claims.Remove(uid);
        after.Progress.Remove(uid);
        return after;
    }

    /// <summary>
    /// A person wants no more copying, in one region or in all: what is not complete ends, and stays as it is until it is asked for anew. Null
    /// when there is nothing to end.
    /// </summary>
    /// <param name="document">The document.</param>
    /// <param name="region">The region; empty for all.</param>
    /// <param name="now">The time.</param>
    public static VersionDocument? Cancel(VersionDocument document, string region, DateTimeOffset now)
    {
        bool Which(ReplicaRecord replica) =>
            (region.Length == 0 || replica.Region == region) && replica.State is ReplicaState.Queued or ReplicaState.Copying;
        if (!document.Replicas.Values.Any(Which))
        {
            return null;
        }

        var after = document.Clone();
        foreach (var replica in after.Replicas.Values.Where(Which))
        {
            KeepProgress(document, replica);
            // A node goes on when its caller goes away, so it must be told. One that was never asked has nothing to end.
            replica.StopPending = document.ClaimOf(replica.Uid).Token > 0;
            replica.State = ReplicaState.Cancelled;
            replica.Problem = "";
            replica.BlockedBy = "";
            replica.FailureCount = 0;
            replica.RetryTime = Timestamp.FromDateTimeOffset(now);
            after.Claims[replica.Uid] = document.ClaimOf(replica.Uid).Revoked();
            Touch(after, replica, now);
        }

        return after;
    }

    /// <summary>The node of a cancelled replica has ended its work. Null when the worker is not the holder any more.</summary>
    public static VersionDocument? Stopped(VersionDocument document, string uid, long token, DateTimeOffset now)
    {
        if (!Holds(document, uid, token, ReplicaState.Cancelled))
        {
            return null;
        }

        var after = document.Clone();
        var replica = after.Replicas[uid];
        replica.StopPending = false;
        replica.Problem = "";
        replica.FailureCount = 0;
        replica.RetryTime = null;
        after.Claims[uid] = document.ClaimOf(uid).Released();
        return Touch(after, replica, now);
    }

    /// <summary>A region is back: what waited for it is due at once. Null when nothing did.</summary>
    public static VersionDocument? Wake(VersionDocument document, string region, DateTimeOffset now) =>
        MakeDue(document, now, replica => Schedule.BlockedBy(replica) == region, waking: true);

    /// <summary>
    /// A person wants a region to be tried now: what waits is due at once, what was given up or cancelled is taken up with fresh patience.
    /// Null when there is nothing to do.
    /// </summary>
    public static VersionDocument? Retry(VersionDocument document, string region, DateTimeOffset now) =>
        MakeDue(
            document,
            now,
            replica =>
                replica.Region == region
                && (
                    replica.State == ReplicaState.Cancelled
                    || (replica.State is ReplicaState.Queued or ReplicaState.Failed && replica.Problem.Length > 0)
                )
        );

    private static VersionDocument? MakeDue(
        VersionDocument document,
        DateTimeOffset now,
        Func<ReplicaRecord, bool> which,
        bool waking = false
    )
    {
        if (!document.Replicas.Values.Any(which))
        {
            return null;
        }

        var after = document.Clone();
        foreach (var replica in after.Replicas.Values.Where(which))
        {
            replica.BlockedBy = "";
            replica.FailureCount = 0;
            replica.RetryTime = Timestamp.FromDateTimeOffset(now);
            if (replica.State != ReplicaState.Deleting && !(replica.State == ReplicaState.Cancelled && waking))
            {
                replica.BudgetStartTime = Timestamp.FromDateTimeOffset(now);
                if (replica.State == ReplicaState.Cancelled)
                {
                    // A worker that is about to stop it comes too late.
                    after.Claims[replica.Uid] = document.ClaimOf(replica.Uid).Revoked();
                    replica.StopPending = false;
                }

                replica.State = ReplicaState.Queued;
            }

            Touch(after, replica, now);
        }

        return after;
    }

    /// <summary>Others of the region that wait for this one to come first would only learn the same.</summary>
    private static void GiveUp(VersionDocument after, ReplicaRecord replica)
    {
        replica.State = ReplicaState.Failed;
        replica.RetryTime = null;
        if (after.WantedIn(replica.Region).Any(sibling => sibling.State is ReplicaState.Ready or ReplicaState.Copying))
        {
            return;
        }

        foreach (var sibling in after.WantedIn(replica.Region).Where(sibling => sibling.State == ReplicaState.Queued))
        {
            sibling.State = ReplicaState.Failed;
            sibling.Problem = replica.Problem;
            sibling.RetryTime = null;
        }
    }

    private static void KeepProgress(VersionDocument before, ReplicaRecord replica)
    {
        replica.CopiedBytes = StatusRules.CopiedBytes(before, before.Replicas[replica.Uid]);
        replica.TransferredBytes = StatusRules.TransferredBytes(before, before.Replicas[replica.Uid]);
    }

    private static TimeSpan Wait(int failures, WorkOptions options, double jitter)
    {
        var wait = options.RetryBaseDelay * Math.Pow(2, Math.Min(failures - 1, 20));
        wait = wait < options.RetryMaxDelay ? wait : options.RetryMaxDelay;
        return wait * (1 + (options.RetryJitter * ((2 * jitter) - 1)));
    }

    private static bool Holds(VersionDocument document, string uid, long token, params ReadOnlySpan<ReplicaState> states) =>
        document.Replicas.TryGetValue(uid, out var replica)
        && states.Contains(replica.State)
        && document.ClaimOf(uid) is { LeaseUntil: not 0 } claim
        && claim.Token == token;

    private static VersionDocument Touch(VersionDocument after, ReplicaRecord replica, DateTimeOffset now)
    {
        if (after.RegionOf(replica.Region) is { } region)
        {
            region.UpdateTime = Timestamp.FromDateTimeOffset(now);
        }

        return after;
    }
}
