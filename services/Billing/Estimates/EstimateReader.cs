using System.Globalization;
using Gallery.Billing.Charges;
using Gallery.Billing.Regions;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Billing.Estimates;

/// <summary>Reads requests for estimates and refuses what makes no sense. Pure.</summary>
internal static class EstimateReader
{
    private const long LargestSize = 64L << 40;
    private const int MostRegions = 100;
    private const int MostReplicas = 100;
    private const int ZonesOfZrs = 3;

    /// <summary>Checks what can be checked without asking anybody. Answers the version named, if one is.</summary>
    public static ResourceName? Check(EstimateCostRequest request, ResourceName parent)
    {
        var violations = new Violations();
        ResourceName? version = null;
        switch (request.SubjectCase)
        {
            case EstimateCostRequest.SubjectOneofCase.None:
                violations.Add("occupied_size_bytes", "Either occupied_size_bytes or version is required.");
                break;
            case EstimateCostRequest.SubjectOneofCase.OccupiedSizeBytes:
                CheckNumbers(request, violations);
                break;
            default:
                version = CheckVersion(request, parent, violations);
                break;
        }

        CheckTargets(request, violations);
        violations.AddIf(
            request.PriceTime is not null && !IsBillable(request.PriceTime),
            "price_time",
            "Must be a valid time from the year 2000 to the year 9998."
        );
        violations.ThrowIfAny();
        return version;
    }

    /// <summary>What raw numbers ask for.</summary>
    public static EstimateSubject FromNumbers(EstimateCostRequest request, RegionMap regions)
    {
        var held = request.ReplicatedRegions.Select(region => Find(region, regions).Name).ToHashSet();
        return new EstimateSubject(
            request.OccupiedSizeBytes,
            Find(request.SourceRegion, regions).Name,
            Targets(request, regions, _ => StorageAccountType.StandardLrs),
            held
        );
    }

    /// <summary>What a version asks for: itself as it is, or the change to other target regions.</summary>
    public static EstimateSubject FromVersion(EstimateCostRequest request, ImageVersion version, RegionMap regions)
    {
        var profile = version.PublishingProfile ?? new ImageVersionPublishingProfile();
        var own = OwnReplicas(version, profile).ToArray();
        var source = RegionMap.Canonical(version.Location);
        if (request.TargetRegions.Count == 0)
        {
            return new EstimateSubject(version.OccupiedSizeBytes, source, own, new HashSet<string>());
        }

        var types = own.DistinctBy(each => each.Region).ToDictionary(each => each.Region, each => each.Type);
        var targets = Targets(request, regions, region => types.TryGetValue(region, out var type) ? type : Or(profile.StorageAccountType));
        return new EstimateSubject(version.OccupiedSizeBytes, source, targets, types.Keys.ToHashSet());
    }

    private static void CheckNumbers(EstimateCostRequest request, Violations violations) =>
        violations
            .AddIf(
                request.OccupiedSizeBytes is < 0 or > LargestSize,
                "occupied_size_bytes",
                string.Create(CultureInfo.InvariantCulture, $"Must be between 0 and {LargestSize} bytes.")
            )
            .AddIf(request.SourceRegion.Length == 0, "source_region", "Is required with occupied_size_bytes: the home region.")
            .AddIf(request.TargetRegions.Count == 0, "target_regions", "At least one is required with occupied_size_bytes.")
            .AddIf(
                request.ReplicatedRegions.Count > MostRegions,
                "replicated_regions",
                string.Create(CultureInfo.InvariantCulture, $"Must hold at most {MostRegions} regions.")
            );

    private static ResourceName? CheckVersion(EstimateCostRequest request, ResourceName parent, Violations violations)
    {
        if (!ResourceName.TryParse(request.Version, ResourceKind.ImageVersion, out var version))
        {
            violations.Add("version", ResourceName.Describe(ResourceKind.ImageVersion));
        }
        else
        {
            violations.AddIf(version.SubscriptionId != parent.SubscriptionId, "version", $"Must lie within the parent '{parent}'.");
        }

        violations
            .AddIf(request.SourceRegion.Length > 0, "source_region", "Must be empty with a version: its location is taken.")
            .AddIf(
                request.ReplicatedRegions.Count > 0,
                "replicated_regions",
                "Must be empty with a version: its target regions are taken."
            );
        return version;
    }

    private static void CheckTargets(EstimateCostRequest request, Violations violations)
    {
        violations.AddIf(
            request.TargetRegions.Count > MostRegions,
            "target_regions",
            string.Create(CultureInfo.InvariantCulture, $"Must hold at most {MostRegions} regions.")
        );
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (target, index) in request.TargetRegions.Take(MostRegions).Select((target, index) => (target, index)))
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"target_regions[{index}]");
            violations
                .AddIf(target.Region.Length == 0, path + ".region", "Is required.")
                .AddIf(
                    target.Region.Length > 0 && !seen.Add(RegionMap.Canonical(target.Region)),
                    path + ".region",
                    "Must not stand in the list twice."
                )
                .AddIf(
                    target.ReplicaCount is < 0 or > MostReplicas,
                    path + ".replica_count",
                    string.Create(CultureInfo.InvariantCulture, $"Must be between 1 and {MostReplicas}; 0 means 1.")
                )
                .AddIf(
                    !System.Enum.IsDefined(target.StorageAccountType),
                    path + ".storage_account_type",
                    $"Must be one of {string.Join(", ", System.Enum.GetNames<StorageAccountType>())}."
                );
        }
    }

    private static bool IsBillable(Timestamp time)
    {
        const long FirstSecond = -62_135_596_800;
        const long LastSecond = 253_402_300_799;
        return time.Seconds is >= FirstSecond and <= LastSecond
            && time.Nanos is >= 0 and < 1_000_000_000
            && BillingMonth.Covers(time.ToDateTimeOffset());
    }

    private static PlannedReplicas[] Targets(
        EstimateCostRequest request,
        RegionMap regions,
        Func<string, StorageAccountType> defaultType
    ) =>
        [
            .. request.TargetRegions.Select(target =>
            {
                var region = Find(target.Region, regions);
                var type =
                    target.StorageAccountType == StorageAccountType.Unspecified ? defaultType(region.Name) : target.StorageAccountType;
                return type == StorageAccountType.StandardZrs && region.ZoneCount < ZonesOfZrs
                    ? throw GalleryError.Create(
                        StatusCode.FailedPrecondition,
                        ErrorReason.StorageAccountTypeNotSupported,
                        $"Standard_ZRS takes three zones, and the region '{region.Name}' has fewer. Choose Standard_LRS there.",
                        new Dictionary<string, string> { ["location"] = region.Name }
                    )
                    : new PlannedReplicas(region.Name, Math.Max(1, target.ReplicaCount), type);
            }),
        ];

    private static IEnumerable<PlannedReplicas> OwnReplicas(ImageVersion version, ImageVersionPublishingProfile profile)
    {
        var count = Math.Max(1, profile.ReplicaCount);
        if (profile.TargetRegions.Count == 0)
        {
            yield return new PlannedReplicas(RegionMap.Canonical(version.Location), count, Or(profile.StorageAccountType));
        }

        foreach (var target in profile.TargetRegions)
        {
            var region = RegionMap.Canonical(target.Name);
            var type = target.StorageAccountType == StorageAccountType.Unspecified ? profile.StorageAccountType : target.StorageAccountType;
            yield return new PlannedReplicas(region, target.RegionalReplicaCount > 0 ? target.RegionalReplicaCount : count, Or(type));
            foreach (var set in target.AdditionalReplicaSets)
            {
                yield return new PlannedReplicas(region, set.RegionalReplicaCount, Or(set.StorageAccountType));
            }
        }
    }

    private static StorageAccountType Or(StorageAccountType type) =>
        type == StorageAccountType.Unspecified ? StorageAccountType.StandardLrs : type;

    private static KnownRegion Find(string name, RegionMap regions) =>
        regions.TryFind(name, out var region) ? region : throw regions.NotAvailable(name);
}
