using System.Numerics;
using Gallery.Contracts.Billing.V1;

namespace Gallery.Billing.Charges;

/// <summary>A computed bill.</summary>
/// <param name="StorageLines">Lines of storage, by resource, region and price.</param>
/// <param name="EgressLines">Lines of egress, likewise.</param>
/// <param name="StorageMicros">The sum of the storage lines, in millionths.</param>
/// <param name="EgressMicros">The sum of the egress lines, in millionths.</param>
/// <param name="SnapshotCount">Replicas that were kept at any time.</param>
/// <param name="ByteTicks">Storage, in bytes × 100 nanoseconds.</param>
/// <param name="EgressBytes">Bytes of egress.</param>
internal sealed record Bill(
    IReadOnlyList<ChargeLine> StorageLines,
    IReadOnlyList<ChargeLine> EgressLines,
    long StorageMicros,
    long EgressMicros,
    long SnapshotCount,
    BigInteger ByteTicks,
    BigInteger EgressBytes
);
