using Gallery.Contracts.Billing.V1;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Billing.Charges;

/// <summary>What the lines of a bill are told apart by.</summary>
internal static class Grouping
{
    /// <summary>Whether lines of different regions stay apart.</summary>
    public static bool ByRegion(StatementGrouping grouping) => grouping != StatementGrouping.Meter;

    /// <summary>The resource whose line a version counts to; empty when lines do not tell resources apart.</summary>
    public static string ResourceOf(StatementGrouping grouping, string version)
    {
        ResourceKind? kind = grouping switch
        {
            StatementGrouping.Gallery => ResourceKind.Gallery,
            StatementGrouping.ResourceGroup => ResourceKind.ResourceGroup,
            _ => null,
        };
        return grouping switch
        {
            StatementGrouping.Version => version,
            StatementGrouping.Definition => ResourceName.TryParse(version, out var name) ? name.Parent!.Value : version,
            _ => kind is { } ancestor && ResourceName.TryParse(version, out var name) ? name.Ancestor(ancestor)!.Value : "",
        };
    }
}
