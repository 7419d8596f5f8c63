using Gallery.Billing.Charges;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Billing.Statements;

/// <summary>Names of statements: <c>subscriptions/{s}/statements/{yyyy-MM}</c>.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Month">The month.</param>
internal sealed record StatementName(ResourceName Subscription, BillingMonth Month)
{
    private const string Collection = "/statements/";

    /// <summary>The whole name.</summary>
    public string Value => $"{Subscription}{Collection}{Month}";

    /// <summary>Reads the name in a request, and refuses with INVALID_ARGUMENT what is none.</summary>
    public static StatementName Require(string text, string field)
    {
        var at = text.IndexOf(Collection, StringComparison.OrdinalIgnoreCase);
        if (at < 0 || !ResourceName.TryParse(text[..at], ResourceKind.Subscription, out var subscription))
        {
            throw GalleryError.InvalidParameter(
                field,
                "Must be a resource name of the form 'subscriptions/{subscription}/statements/{yyyy-MM}'; the subscription is a UUID."
            );
        }

        return BillingMonth.TryParse(text[(at + Collection.Length)..], out var month)
            ? new StatementName(subscription, month)
            : throw GalleryError.InvalidParameter(field, BillingMonth.Accepted);
    }
}
