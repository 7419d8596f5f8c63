using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Sharing.Assignments;

/// <summary>Names of role assignments: <c>subscriptions/{s}/roleAssignments/{id}</c>.</summary>
/// <param name="Subscription">The subscription.</param>
/// <param name="Id">A UUID in lower case.</param>
internal sealed record AssignmentName(ResourceName Subscription, string Id)
{
    private const string Collection = "/roleAssignments/";

    /// <summary>The whole name.</summary>
    public string Value => Of(Subscription.SubscriptionId, Id);

    /// <summary>The name of an assignment.</summary>
    public static string Of(string subscriptionId, string id) => $"subscriptions/{subscriptionId}{Collection}{id}";

    /// <summary>Reads the name in a request, and refuses with INVALID_ARGUMENT what is none.</summary>
    public static AssignmentName Require(string text, string field)
    {
        var at = text.IndexOf(Collection, StringComparison.OrdinalIgnoreCase);
        return
            at > 0
            && ResourceName.TryParse(text[..at], ResourceKind.Subscription, out var subscription)
            && Guid.TryParseExact(text[(at + Collection.Length)..], "D", out var id)
            ? new AssignmentName(subscription, id.ToString("D"))
            : throw GalleryError.InvalidParameter(
                field,
                "Must be a resource name of the form 'subscriptions/{subscription}/roleAssignments/{id}'; both ids are UUIDs."
            );
    }
}
