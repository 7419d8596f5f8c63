using System.CommandLine;
using Gallery.Cli.Names;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Cli.Deploy;

/// <summary>What the commands of <c>deploy</c> have in common.</summary>
internal static class DeployOptions
{
    /// <summary><c>--region</c>.</summary>
    public static Option<string> Region() =>
        new("--region")
        {
            Description = "The region that the machines are in.",
            Required = true,
            HelpName = "REGION",
        };

    /// <summary><c>--minutes</c>.</summary>
    public static Option<int?> Minutes() =>
        new("--minutes") { Description = "How long the leases last, 1 to 1440; 60 by default.", HelpName = "MINUTES" };

    /// <summary>What <c>--minutes</c> says; null when it was not given.</summary>
    public static Duration? Duration(Invocation invocation, Option<int?> minutes) =>
        invocation.Get(minutes) is { } lasting ? Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromMinutes(lasting)) : null;

    /// <summary>The version that is named, or the definition whose latest is meant.</summary>
    public static string Image(Invocation invocation, NameOptions names)
    {
        var parts = names.Of(invocation);
        return invocation.Resolve(parts.Version is null ? ResourceKind.Definition : ResourceKind.Version, null, parts).ToString();
    }

    /// <summary>The full name of a lease that was given in full, or as the commands show it.</summary>
    public static string Lease(Invocation invocation, string lease) =>
        ResourceName.IsFull(lease) ? lease.Trim('/') : $"subscriptions/{invocation.Subscription()}/leases/{lease}";
}
