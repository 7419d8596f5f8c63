using Gallery.Catalog.ImageVersions;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.Collections;

namespace Gallery.Catalog.ImageDefinitions;

/// <summary>What an image may be said to support (semantics 2.2.1). Pure.</summary>
internal static class ImageFeatures
{
    public const string SecurityType = "SecurityType";

    private const string Standard = "Standard";
    private const string TrustedLaunchSupported = "TrustedLaunchSupported";

    private static readonly Dictionary<string, string[]> Values = new(StringComparer.OrdinalIgnoreCase)
    {
        [SecurityType] =
        [
            Standard,
            TrustedLaunchSupported,
            "TrustedLaunch",
            "ConfidentialVMSupported",
            "ConfidentialVM",
            "TrustedLaunchAndConfidentialVmSupported",
        ],
        ["IsHibernateSupported"] = ["True", "False"],
        ["IsAcceleratedNetworkSupported"] = ["True", "False"],
        ["DiskControllerTypes"] = ["SCSI", "SCSI, NVMe"],
    };

    /// <summary>Brings names and values into their usual case, and fills in what a V2 image supports when nothing is said.</summary>
    public static void Normalize(RepeatedField<ImageFeature> features, HyperVGeneration generation)
    {
        foreach (var feature in features)
        {
            if (Find(feature.Name) is var (name, values))
            {
                feature.Name = name;
                feature.Value = values.FirstOrDefault(value => Same(value, feature.Value)) ?? feature.Value;
            }
        }

        if (generation == HyperVGeneration.V2 && !features.Any(feature => feature.Name == SecurityType))
        {
            features.Add(new ImageFeature { Name = SecurityType, Value = TrustedLaunchSupported });
        }
    }

    /// <summary>Notes what is wrong with the features of a definition, in their usual case.</summary>
    public static void Check(RepeatedField<ImageFeature> features, HyperVGeneration generation, string field, Violations violations)
    {
        for (var index = 0; index < features.Count; index++)
        {
            var feature = features[index];
            var path = $"{field}[{index}]";
            if (Find(feature.Name) is not var (name, values))
            {
                violations.Add($"{path}.name", $"Must be one of {string.Join(", ", Values.Keys)}.");
                continue;
            }

            violations.AddIf(!values.Contains(feature.Value), $"{path}.value", $"Must be one of {string.Join("; ", values)}.");
            violations.AddIf(
                name == SecurityType && feature.Value != Standard && values.Contains(feature.Value) && generation == HyperVGeneration.V1,
                $"{path}.value",
                $"Takes hyper_v_generation V2: with V1 it must be {Standard}."
            );
            violations.AddIf(
                feature.StartsAtVersion.Length > 0 && !VersionNumber.TryParse(feature.StartsAtVersion, out _),
                $"{path}.starts_at_version",
                VersionNumber.Form
            );
            violations.AddIf(features.Take(index).Any(other => other.Name == name), $"{path}.name", "Must stand there once.");
        }
    }

    private static (string Name, string[] Values)? Find(string name) =>
        Values.FirstOrDefault(known => Same(known.Key, name)) is { Key: { } key, Value: var values } ? (key, values) : null;

    // "scsi,nvme" is the same as "SCSI, NVMe".
    private static bool Same(string one, string other) =>
        string.Equals(
            one.Replace(" ", "", StringComparison.Ordinal),
            other.Replace(" ", "", StringComparison.Ordinal),
            StringComparison.OrdinalIgnoreCase
        );
}
