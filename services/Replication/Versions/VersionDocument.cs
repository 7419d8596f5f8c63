using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Replication.Versions;

/// <summary>
/// Everything that is known of a version here: what is wanted, each replica, who works on it, and how far the work is. It is the unit of
/// change: rules make a changed copy of it, and the copy is written in one step if the stored one is still the one it was made from.
/// </summary>
internal sealed class VersionDocument
{
    private ResourceName? _name;

    /// <summary>What is wanted.</summary>
    public required VersionRecord Version { get; init; }

    /// <summary>Changes with every write, but not with progress; empty when it is not stored.</summary>
    public string Etag { get; init; } = "";

    /// <summary>Replicas by uid, those on their way out included.</summary>
    public Dictionary<string, ReplicaRecord> Replicas { get; init; } = [];

    /// <summary>Claims by replica uid.</summary>
    public Dictionary<string, Claim> Claims { get; init; } = [];

    /// <summary>Progress by replica uid.</summary>
    public Dictionary<string, ProgressRecord> Progress { get; init; } = [];

    /// <summary>The version's resource name.</summary>
    public ResourceName Name =>
        _name ??= ResourceName.TryParse(Version.Name, ResourceKind.ImageVersion, out var name)
            ? name
            : throw new InvalidDataException($"'{Version.Name}' is no name of a version.");

    /// <summary>Occupied bytes of all disks: what each replica takes.</summary>
    public long OccupiedBytes => Version.Disks.Sum(disk => disk.Content.OccupiedSizeBytes);

    /// <summary>Whether replicas of it may be wanted.</summary>
    public bool IsWanted => Version.Phase is VersionPhase.Active or VersionPhase.SoftDeleted;

    /// <summary>What is remembered of a region; null when it never was a target.</summary>
    public RegionRecord? RegionOf(string region) => Version.Regions.FirstOrDefault(record => record.Region == region);

    /// <summary>The replicas of a region that are to stay, by ordinal.</summary>
    public IEnumerable<ReplicaRecord> WantedIn(string region) =>
        Replicas
            .Values.Where(replica => replica.Region == region && replica.State != ReplicaState.Deleting)
            .OrderBy(replica => replica.Ordinal);

    /// <summary>The regions that hold a complete replica.</summary>
    public IEnumerable<string> CompleteRegions() =>
        Replicas.Values.Where(replica => replica.State == ReplicaState.Ready).Select(replica => replica.Region).Distinct();

    /// <summary>A replica's claim.</summary>
    public Claim ClaimOf(string uid) => Claims.GetValueOrDefault(uid);

    /// <summary>What the present holder of the work on a replica told last; null when nobody works on it or nothing was told.</summary>
    public ProgressRecord? ProgressOf(ReplicaRecord replica)
    {
        var claim = ClaimOf(replica.Uid);
        return
            replica.State == ReplicaState.Copying
            && claim.LeaseUntil != 0
            && Progress.GetValueOrDefault(replica.Uid) is { } progress
            && progress.Token == claim.Token
            ? progress
            : null;
    }

    /// <summary>A copy that can be changed.</summary>
    public VersionDocument Clone() =>
        new()
        {
            Version = Version.Clone(),
            Etag = Etag,
            Replicas = Replicas.ToDictionary(entry => entry.Key, entry => entry.Value.Clone()),
            Claims = new Dictionary<string, Claim>(Claims),
            Progress = new Dictionary<string, ProgressRecord>(Progress),
        };

    /// <summary>The uid of a replica.</summary>
    public static string UidOf(string versionUid, string region, int ordinal, int life) =>
        FormattableString.Invariant($"{versionUid}.{region}.{ordinal}.{life}");
}
