using Gallery.Contracts.Common.V1;

namespace Gallery.Billing.Estimates;

/// <summary>Replicas in a region to estimate for.</summary>
internal readonly record struct PlannedReplicas(string Region, int Count, StorageAccountType Type);

/// <summary>What is to be estimated, with every default filled in.</summary>
/// <param name="Bytes">Occupied size of all disks together.</param>
/// <param name="SourceRegion">The home region.</param>
/// <param name="Replicas">What is to be kept; a region may stand there twice, with two types.</param>
/// <param name="Held">Regions that have the version already.</param>
internal sealed record EstimateSubject(long Bytes, string SourceRegion, IReadOnlyList<PlannedReplicas> Replicas, IReadOnlySet<string> Held);
