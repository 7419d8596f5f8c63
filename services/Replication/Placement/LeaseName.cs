using System.Diagnostics.CodeAnalysis;
using Gallery.ServiceDefaults.Errors;

namespace Gallery.Replication.Placement;

/// <summary>The name of a lease: <c>subscriptions/{s}/leases/{id}</c>.</summary>
/// <param name="SubscriptionId">The version's subscription, in lower case.</param>
/// <param name="Id">The lease's id.</param>
internal sealed record LeaseName(string SubscriptionId, string Id)
{
    private const int LongestId = 64;

    /// <summary>The name as written in answers.</summary>
    public override string ToString() => $"subscriptions/{SubscriptionId}/leases/{Id}";

    /// <summary>Reads the name in a request, and refuses with INVALID_ARGUMENT what is none.</summary>
    public static LeaseName Require(string text, string field) =>
        TryParse(text, out var name)
            ? name
            : throw GalleryError.InvalidParameter(
                field,
                "Must be a resource name of the form 'subscriptions/{subscription}/leases/{lease}'."
            );

    private static bool TryParse(string text, [NotNullWhen(true)] out LeaseName? name)
    {
        name =
            text.Split('/') is ["subscriptions" or "Subscriptions", var subscription, "leases" or "Leases", var id]
            && Guid.TryParseExact(subscription, "D", out var parsed)
            && id.Length is > 0 and <= LongestId
            && id.All(character => char.IsAsciiLetterOrDigit(character) || character == '-')
                ? new LeaseName(parsed.ToString("D"), id.ToLowerInvariant())
                : null;
        return name is not null;
    }
}
