using System.Buffers;

namespace Gallery.ServiceDefaults.Names;

/// <summary>Which collections lie below which resources, and which characters an id is made of.</summary>
internal static class ResourceGrammar
{
    public const int LongestId = 128;

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-()"
    );

    private static readonly Rule[] Rules =
    [
        new(null, "subscriptions", ResourceKind.Subscription, "subscription", "{subscription}"),
        new(ResourceKind.Subscription, "resourceGroups", ResourceKind.ResourceGroup, "resource group", "{group}"),
        new(ResourceKind.ResourceGroup, "galleries", ResourceKind.Gallery, "gallery", "{gallery}"),
        new(ResourceKind.Gallery, "images", ResourceKind.Image, "image definition", "{image}"),
        new(ResourceKind.Image, "versions", ResourceKind.ImageVersion, "image version", "{version}"),
        new(ResourceKind.Gallery, "applications", ResourceKind.Application, "application", "{application}"),
        new(ResourceKind.Application, "versions", ResourceKind.ApplicationVersion, "application version", "{version}"),
        new(ResourceKind.ResourceGroup, "snapshots", ResourceKind.Snapshot, "snapshot", "{snapshot}"),
    ];

    /// <summary>What a resource of the kind is called in messages.</summary>
    public static string Noun(ResourceKind kind) => RuleOf(kind).Noun;

    /// <summary>The form of the names of a kind, with placeholders.</summary>
    public static string Pattern(ResourceKind kind)
    {
        var rule = RuleOf(kind);
        var own = $"{rule.Collection}/{rule.Placeholder}";
        return rule.Parent is { } parent ? $"{Pattern(parent)}/{own}" : own;
    }

    /// <summary>The collection that resources of the kind lie in.</summary>
    public static string Collection(ResourceKind kind) => RuleOf(kind).Collection;

    /// <summary>The kind of the resource that holds resources of the kind.</summary>
    public static ResourceKind? Parent(ResourceKind kind) => RuleOf(kind).Parent;

    /// <summary>The kind that lies in a collection of a parent; null when there is no such collection.</summary>
    public static ResourceKind? Child(ResourceKind? parent, ReadOnlySpan<char> collection)
    {
        foreach (var rule in Rules)
        {
            if (rule.Parent == parent && collection.Equals(rule.Collection, StringComparison.OrdinalIgnoreCase))
            {
                return rule.Kind;
            }
        }

        return null;
    }

    /// <summary>Whether an id may stand in a name: the owner of the resource may be stricter.</summary>
    public static bool IsId(ResourceKind kind, ReadOnlySpan<char> id) =>
        kind == ResourceKind.Subscription
            ? Guid.TryParseExact(id, "D", out _)
            : id.Length is > 0 and <= LongestId && !id.ContainsAnyExcept(IdCharacters);

    private static Rule RuleOf(ResourceKind kind) => Rules.First(rule => rule.Kind == kind);

    private sealed record Rule(ResourceKind? Parent, string Collection, ResourceKind Kind, string Noun, string Placeholder);
}
