using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Catalog.Resources;

/// <summary>The name that a resource carries in its own body when it is created (semantics 3.1).</summary>
internal static class BodyName
{
    /// <summary>Empty, or the name that parent and id make.</summary>
    public static void Check(Violations violations, string field, string? body, ResourceName expected) =>
        violations.AddIf(
            !string.IsNullOrEmpty(body) && !body.Equals(expected.Value, StringComparison.OrdinalIgnoreCase),
            field,
            $"Must be empty or the name that parent and id make: '{expected.Value}'."
        );
}
