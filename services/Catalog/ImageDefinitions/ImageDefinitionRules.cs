using System.Globalization;
using Gallery.Catalog.Resources;
using Gallery.Catalog.Updates;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;

namespace Gallery.Catalog.ImageDefinitions;

/// <summary>What an image definition may be (semantics 2.2, 3.1). Pure.</summary>
internal static class ImageDefinitionRules
{
    private const string Prefix = "image_definition";
    private const int MostProcessors = 80;
    private const int MostMemory = 640;
    private const int LongestPlanPart = 128;

    private static readonly string[] DiskTypes = ["Standard_LRS", "Premium_LRS"];

    /// <summary>Which fields the service sets, and which can't change.</summary>
    public static readonly ResourceShape<ImageDefinition> Shape = new(
        Prefix,
        Output: ["name", "uid", "etag", "create_time", "update_time", "provisioning_state"],
        Fixed:
        [
            "location",
            "os_type",
            "os_state",
            "identifier.publisher",
            "identifier.offer",
            "identifier.sku",
            "hyper_v_generation",
            "architecture",
            Features,
            "eula",
            "privacy_statement_uri",
            "purchase_plan",
        ]
    );

    /// <summary>Can change only when the update says so.</summary>
    public const string Features = "features";

    /// <summary>Fills in defaults and brings names of features and disk types into their usual case.</summary>
    public static void Normalize(ImageDefinition definition)
    {
        if (definition.HyperVGeneration == HyperVGeneration.Unspecified)
        {
            definition.HyperVGeneration = HyperVGeneration.V2;
        }

        if (definition.Architecture == Architecture.Unspecified)
        {
            definition.Architecture = Architecture.X64;
        }

        ImageFeatures.Normalize(definition.Features, definition.HyperVGeneration);
        if (definition.Disallowed is { } disallowed)
        {
            for (var index = 0; index < disallowed.DiskTypes.Count; index++)
            {
                var given = disallowed.DiskTypes[index];
                disallowed.DiskTypes[index] =
                    DiskTypes.FirstOrDefault(type => type.Equals(given, StringComparison.OrdinalIgnoreCase)) ?? given;
            }

            if (disallowed.DiskTypes.Count == 0)
            {
                definition.Disallowed = null;
            }
        }
    }

    /// <summary>Notes what is wrong with a definition in its normal form.</summary>
    /// <param name="definition">The definition as it would be.</param>
    /// <param name="current">As it is; null when it is created.</param>
    /// <param name="now">The time.</param>
    /// <param name="violations">Where to note it.</param>
    public static void Check(ImageDefinition definition, ImageDefinition? current, DateTimeOffset now, Violations violations)
    {
        ValueRules.Tags(violations, $"{Prefix}.tags", definition.Tags);
        ValueRules.Known(violations, $"{Prefix}.os_type", definition.OsType, required: true);
        ValueRules.Known(violations, $"{Prefix}.os_state", definition.OsState, required: true);
        ValueRules.Known(violations, $"{Prefix}.hyper_v_generation", definition.HyperVGeneration, required: true);
        ValueRules.Known(violations, $"{Prefix}.architecture", definition.Architecture, required: true);
        violations.AddIf(
            definition.Architecture == Architecture.Arm64 && definition.HyperVGeneration == HyperVGeneration.V1,
            $"{Prefix}.architecture",
            "ARM64 takes hyper_v_generation V2."
        );
        var identifier = definition.Identifier ?? new ImageIdentifier();
        ValueRules.Word(violations, $"{Prefix}.identifier.publisher", identifier.Publisher, 128);
        ValueRules.Word(violations, $"{Prefix}.identifier.offer", identifier.Offer, 64);
        ValueRules.Word(violations, $"{Prefix}.identifier.sku", identifier.Sku, 64);
        ImageFeatures.Check(definition.Features, definition.HyperVGeneration, $"{Prefix}.{Features}", violations);
        ValueRules.Text(violations, $"{Prefix}.description", definition.Description);
        ValueRules.Text(violations, $"{Prefix}.eula", definition.Eula);
        ValueRules.WebAddress(violations, $"{Prefix}.privacy_statement_uri", definition.PrivacyStatementUri);
        ValueRules.WebAddress(violations, $"{Prefix}.release_note_uri", definition.ReleaseNoteUri);
        ValueRules.EndOfLife(violations, $"{Prefix}.end_of_life_date", definition.EndOfLifeDate, current?.EndOfLifeDate, now);
        CheckRange(violations, $"{Prefix}.recommended.vcpus", definition.Recommended?.Vcpus, MostProcessors);
        CheckRange(violations, $"{Prefix}.recommended.memory", definition.Recommended?.Memory, MostMemory);
        CheckDisallowed(violations, definition.Disallowed);
        CheckPlan(violations, definition.PurchasePlan);
    }

    /// <summary>The triple that is unique in a gallery, as it is compared.</summary>
    public static string TripleOf(ImageIdentifier identifier) =>
        $"{identifier.Publisher}/{identifier.Offer}/{identifier.Sku}".ToLowerInvariant();

    private static void CheckRange(Violations violations, string field, ResourceRange? range, int most)
    {
        if (range is null)
        {
            return;
        }

        var bounds = string.Create(CultureInfo.InvariantCulture, $"Must be 1 to {most}.");
        violations.AddIf(range.HasMin && (range.Min < 1 || range.Min > most), $"{field}.min", bounds);
        violations.AddIf(range.HasMax && (range.Max < 1 || range.Max > most), $"{field}.max", bounds);
        violations.AddIf(range.HasMin && range.HasMax && range.Min > range.Max, $"{field}.min", "Must not be above max.");
    }

    private static void CheckDisallowed(Violations violations, Disallowed? disallowed)
    {
        if (disallowed is null)
        {
            return;
        }

        var field = $"{Prefix}.disallowed.disk_types";
        violations.AddIf(disallowed.DiskTypes.Except(DiskTypes).Any(), field, $"Each must be one of {string.Join(", ", DiskTypes)}.");
        violations.AddIf(disallowed.DiskTypes.Distinct().Count() < disallowed.DiskTypes.Count, field, "Each must stand there once.");
    }

    private static void CheckPlan(Violations violations, PurchasePlan? plan)
    {
        if (plan is null)
        {
            return;
        }

        var field = $"{Prefix}.purchase_plan";
        violations.AddIf(plan.Name.Length is 0 or > LongestPlanPart, $"{field}.name", $"Must be 1 to {LongestPlanPart} characters.");
        violations.AddIf(
            plan.Publisher.Length is 0 or > LongestPlanPart,
            $"{field}.publisher",
            $"Must be 1 to {LongestPlanPart} characters."
        );
        violations.AddIf(plan.Product.Length > LongestPlanPart, $"{field}.product", $"Must be at most {LongestPlanPart} characters.");
    }
}
