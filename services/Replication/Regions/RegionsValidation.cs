using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Regions;

/// <summary>Refuses a set-up of regions that can't work.</summary>
internal sealed partial class RegionsValidation : IValidateOptions<List<RegionOptions>>
{
    /// <summary>The continents that prices of egress are set for.</summary>
    public static readonly IReadOnlyList<string> Continents =
    [
        "North America",
        "Europe",
        "South America",
        "Asia",
        "Oceania",
        "Africa",
        "Middle East",
    ];

    /// <summary>What is wrong with the configured regions, a line each; null when nothing is.</summary>
    public static string? Complaint(IConfiguration configuration)
    {
        var regions = configuration.GetSection("Regions").Get<List<RegionOptions>>() ?? [];
        var wrong = WrongIn(regions);
        return wrong.Count == 0
            ? null
            : $"The regions of the configuration can't be used:{string.Concat(wrong.Select(line => $"{Environment.NewLine}  {line}"))}";
    }

    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, List<RegionOptions> options)
    {
        var wrong = WrongIn(options);
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    private static List<string> WrongIn(List<RegionOptions> options)
    {
        var wrong = new List<string>();
        for (var index = 0; index < options.Count; index++)
        {
            var region = options[index];
            void Require(bool holds, string what)
            {
                if (!holds)
                {
                    wrong.Add($"Regions:{index} ('{region.Name}'): {what}");
                }
            }

            Require(CanonicalName().IsMatch(region.Name), "Name is 1 to 40 of a-z and 0-9.");
            Require(options.FindIndex(other => other.Name == region.Name) == index, "Name stands for one region only, and is taken.");
            Require(region.Zones is 1 or 3, $"Zones is 1 or 3, not {region.Zones}.");
            Require(
                Continents.Contains(region.Continent),
                $"Continent is one of {string.Join(", ", Continents)}, not '{region.Continent}'."
            );
            Require(Uri.TryCreate(region.GrpcUrl, UriKind.Absolute, out _), "GrpcUrl is an absolute URL.");
            Require(Uri.TryCreate(region.HttpUrl, UriKind.Absolute, out _), "HttpUrl is an absolute URL.");
        }

        return wrong;
    }

    [GeneratedRegex("^[a-z0-9]{1,40}$")]
    private static partial Regex CanonicalName();
}
