using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Regions;

/// <summary>A region as the installation sets it up, section <c>Regions:{i}</c>.</summary>
internal sealed class RegionOptions
{
    /// <summary>Its canonical name: <c>eastus</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its name for people; the canonical one when empty.</summary>
    public string DisplayName { get; set; } = "";

    /// <summary>Zones it has: 1 or 3.</summary>
    public int Zones { get; set; } = 1;

    /// <summary>Whether a subscription needs an approval to use it.</summary>
    public bool Restricted { get; set; }

    /// <summary>The continent, which decides the price of egress.</summary>
    public string Continent { get; set; } = "";

    /// <summary>The gRPC address of its node.</summary>
    public string GrpcUrl { get; set; } = "";

    /// <summary>The HTTP address of its node.</summary>
    public string HttpUrl { get; set; } = "";
}

/// <summary>The regions of the installation, section <c>Regions</c>, and how they are watched, section <c>RegionMonitor</c>.</summary>
internal sealed class RegionMonitorOptions
{
    /// <summary>How often a node is asked how it is.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a node may take to answer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>After so many heartbeats without an answer a region is down.</summary>
    [Range(1, 100)]
    public int MissedLimit { get; set; } = 2;
}

/// <summary>Principals who run the installation, section <c>Operators:{i}</c>: they drain regions and review access to restricted ones.</summary>
internal sealed class OperatorOptions
{
    /// <summary>The tenant.</summary>
    public string TenantId { get; set; } = "";

    /// <summary>The user or service principal.</summary>
    public string ObjectId { get; set; } = "";
}

/// <summary>Refuses a set-up of regions that can't work.</summary>
internal sealed partial class RegionsValidation : IValidateOptions<List<RegionOptions>>
{
    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, List<RegionOptions> options)
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
            Require(region.Zones is 1 or 3, "Zones is 1 or 3.");
            Require(Uri.TryCreate(region.GrpcUrl, UriKind.Absolute, out _), "GrpcUrl is an absolute URL.");
            Require(Uri.TryCreate(region.HttpUrl, UriKind.Absolute, out _), "HttpUrl is an absolute URL.");
            Require(options.Count(other => other.Name == region.Name) == 1, "Name stands for one region only.");
        }

        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    [GeneratedRegex("^[a-z0-9]{1,40}$")]
    private static partial Regex CanonicalName();
}
