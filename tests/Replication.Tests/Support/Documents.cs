using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;

namespace Gallery.Replication.Tests.Support;

/// <summary>Makes documents for the tests of rules.</summary>
internal static class Documents
{
    public const string Uid = "11111111-1111-1111-1111-111111111111";

    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly WorkOptions Options = new() { RetryJitter = 0 };

    public static DesiredVersion Desired(
        long generation = 1,
        string uid = Uid,
        ProvisioningState state = ProvisioningState.Creating,
        params (string Region, int Count)[] targets
    ) =>
        new(
            House.VersionName("1.0.0"),
            uid,
            generation,
            state,
            targets.Length == 0 ? "westus" : targets[0].Region,
            [Disk()],
            [
                .. targets.Select(target => new DesiredRegion(
                    target.Region,
                    target.Count,
                    StorageAccountType.StandardLrs,
                    ExcludedFromLatest: false
                )),
            ]
        );

    public static DiskContent Disk(string snapshot = $"{House.Group}/snapshots/s1") =>
        new()
        {
            Slot = new DiskSlot { OsDisk = true },
            Content = new ContentDescriptor
            {
                Digest = House.Digest,
                VirtualSizeBytes = 1L << 30,
                OccupiedSizeBytes = House.Occupied,
            },
            SourceSnapshot = snapshot,
        };

    /// <summary>A document as it is after the first reconcile.</summary>
    public static VersionDocument New(params (string Region, int Count)[] targets) => Apply(null, Desired(targets: targets));

    public static VersionDocument Apply(VersionDocument? before, DesiredVersion? desired, DateTimeOffset? now = null) =>
        Reconciliation.Apply(before, desired, _ => true, "", now ?? Now)!;

    /// <summary>Makes one replica complete.</summary>
    public static VersionDocument Complete(
        this VersionDocument document,
        string region,
        int ordinal,
        string source = "westus",
        long transferred = 0
    )
    {
        var uid = document.Replica(region, ordinal).Uid;
        var claimed =
            WorkRules.Claim(document, uid, Now, TimeSpan.FromSeconds(15)) ?? throw new InvalidOperationException($"{uid} is not due.");
        return WorkRules.Complete(claimed, uid, claimed.ClaimOf(uid).Token, new CompletedCopy(transferred, source, Now, Now), Now)!;
    }

    /// <summary>Makes every replica complete.</summary>
    public static VersionDocument CompleteAll(this VersionDocument document)
    {
        while (
            document.Replicas.Values.FirstOrDefault(replica =>
                replica.State == ReplicaState.Queued && Schedule.IsRunnable(document, replica)
            )
                is { } next
        )
        {
            document = document.Complete(next.Region, next.Ordinal);
        }

        return document;
    }

    /// <summary>Lets one attempt fail.</summary>
    public static VersionDocument Fail(
        this VersionDocument document,
        string region,
        int ordinal,
        WorkFailure failure,
        DateTimeOffset? now = null
    )
    {
        var time = now ?? Now;
        var uid = document.Replica(region, ordinal).Uid;
        var claimed =
            WorkRules.Claim(document, uid, time, TimeSpan.FromSeconds(15)) ?? throw new InvalidOperationException($"{uid} is not due.");
        return WorkRules.Fail(claimed, uid, claimed.ClaimOf(uid).Token, failure, Options, jitter: 0.5, time)!;
    }

    /// <summary>The replica that is to stay.</summary>
    public static ReplicaRecord Replica(this VersionDocument document, string region, int ordinal) =>
        document.WantedIn(region).Single(replica => replica.Ordinal == ordinal);

    public static IReadOnlyList<EventEnvelope> EventsTo(this VersionDocument? before, VersionDocument after) =>
        [.. DocumentEvents.Between(before, after, Now)];
}
