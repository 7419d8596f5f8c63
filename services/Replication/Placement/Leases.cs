using System.Globalization;
using System.Runtime.InteropServices;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Replication.Placement;

/// <summary>A lease as kept.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version.</param>
/// <param name="Region">The region.</param>
/// <param name="ReplicaUid">The replica.</param>
/// <param name="Machines">Machines that it counts for.</param>
/// <param name="ExpireTime">When it ends; long ago when it was released.</param>
internal sealed record StoredLease(
    LeaseName Name,
    ResourceName Version,
    string Region,
    string ReplicaUid,
    int Machines,
    DateTimeOffset ExpireTime
)
{
    /// <summary>Number of the replica within its region.</summary>
    public int Ordinal => ReplicaSpread.OrdinalOf(ReplicaUid);

    /// <summary>Its entry among the leases by their end.</summary>
    public string Entry => FormattableString.Invariant($"{Name.Id}|{ReplicaUid}|{Machines}");
}

/// <summary>How loaded a replica was before and after a placement.</summary>
/// <param name="ReplicaUid">The replica.</param>
/// <param name="Before">Machines that held leases on it.</param>
/// <param name="After">Machines that hold leases on it now.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReplicaSpread(string ReplicaUid, int Before, int After)
{
    /// <summary>Number of the replica within its region.</summary>
    public int Ordinal => OrdinalOf(ReplicaUid);

    /// <summary>Number within its region of the replica with a uid.</summary>
    public static int OrdinalOf(string replicaUid) => int.Parse(replicaUid.Split('.')[^2], CultureInfo.InvariantCulture);

    /// <summary>Reads what the script writes: <c>uid:before:after</c>, joined by commas.</summary>
    public static IReadOnlyList<ReplicaSpread> Parse(string text) =>
        [
            .. text.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(entry => entry.Split(':'))
                .Select(parts => new ReplicaSpread(
                    parts[0],
                    int.Parse(parts[1], CultureInfo.InvariantCulture),
                    int.Parse(parts[2], CultureInfo.InvariantCulture)
                ))
                .OrderBy(spread => spread.Ordinal),
        ];
}

/// <summary>What became of a placement.</summary>
/// <param name="Leases">The leases; empty when there was no room.</param>
/// <param name="Spread">How the replicas were loaded before and after; empty when there was no room.</param>
/// <param name="ReadyReplicas">Replicas that serve, when there was no room.</param>
/// <param name="FreeMachines">Machines that there is room for, when there was too little.</param>
/// <param name="LeasedMachines">Machines that hold leases, when there was no room.</param>
/// <param name="NextEnd">When the next lease ends, when there was no room.</param>
internal sealed record PlacementOutcome(
    IReadOnlyList<StoredLease> Leases,
    IReadOnlyList<ReplicaSpread> Spread,
    int ReadyReplicas,
    int FreeMachines,
    int LeasedMachines,
    DateTimeOffset NextEnd
);
