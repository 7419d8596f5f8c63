using Gallery.Contracts.Common.V1;

namespace Gallery.Billing.Charges;

/// <summary>Replicas that are kept for a while: what storage is charged for.</summary>
/// <param name="Version">The resource name of the version.</param>
/// <param name="Region">Who keeps them.</param>
/// <param name="Type">How they are stored.</param>
/// <param name="Bytes">The occupied size of each.</param>
/// <param name="Start">From when on.</param>
/// <param name="End">Until when; null while they are kept.</param>
/// <param name="Count">How many.</param>
internal sealed record StorageUse(
    string Version,
    string Region,
    StorageAccountType Type,
    long Bytes,
    DateTimeOffset Start,
    DateTimeOffset? End,
    int Count = 1
);

/// <summary>The first copy of a version into a region: what egress is charged for.</summary>
/// <param name="Version">The resource name of the version.</param>
/// <param name="SourceRegion">The region that the bytes left.</param>
/// <param name="TargetRegion">The region that got them.</param>
/// <param name="Bytes">The bytes charged.</param>
/// <param name="Time">When it was complete.</param>
internal sealed record EgressUse(string Version, string SourceRegion, string TargetRegion, long Bytes, DateTimeOffset Time);
