using System.Diagnostics.CodeAnalysis;
using Gallery.ServiceDefaults.Errors;

namespace Gallery.ServiceDefaults.Names;

/// <summary>
/// The name of a resource, <c>subscriptions/{s}/resourceGroups/{rg}/galleries/{g}/images/{i}/versions/{v}</c> for example. Two names that
/// differ in case only are equal; ids are kept as they were written, collections are written in their usual case.
/// </summary>
public sealed class ResourceName : IEquatable<ResourceName>
{
    private const int LongestName = 1024;

    private ResourceName(ResourceName? parent, ResourceKind kind, string id)
    {
        Parent = parent;
        Kind = kind;
        Id = id;
        var own = $"{ResourceGrammar.Collection(kind)}/{id}";
        Value = parent is null ? own : $"{parent.Value}/{own}";
        Key = Value.ToLowerInvariant();
    }

    /// <summary>What is named.</summary>
    public ResourceKind Kind { get; }

    /// <summary>The last segment, as written.</summary>
    public string Id { get; }

    /// <summary>The whole name, ids as written.</summary>
    public string Value { get; }

    /// <summary>The whole name in lower case: what keys are made of.</summary>
    public string Key { get; }

    /// <summary>The resource that holds this one; null for a subscription.</summary>
    public ResourceName? Parent { get; }

    /// <summary>The subscription's id: a UUID in lower case.</summary>
    public string SubscriptionId => Ancestor(ResourceKind.Subscription)!.Id.ToLowerInvariant();

    /// <summary>The resource group's id; null for a subscription.</summary>
    public string? ResourceGroup => Ancestor(ResourceKind.ResourceGroup)?.Id;

    /// <summary>The gallery's id; null where there is none.</summary>
    public string? GalleryId => Ancestor(ResourceKind.Gallery)?.Id;

    /// <summary>What it is called in messages: <c>image version</c>.</summary>
    public string Noun => ResourceGrammar.Noun(Kind);

    /// <summary>Reads a name of any kind.</summary>
    /// <param name="text">The name.</param>
    /// <param name="name">The name read.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ResourceName? name)
    {
        name = null;
        if (text is null || text.Length > LongestName)
        {
            return false;
        }

        ResourceName? found = null;
        var rest = text.AsSpan();
        while (true)
        {
            var slash = rest.IndexOf('/');
            if (slash < 0)
            {
                return false;
            }

            var collection = rest[..slash];
            rest = rest[(slash + 1)..];
            var end = rest.IndexOf('/');
            var id = end < 0 ? rest : rest[..end];
            if (ResourceGrammar.Child(found?.Kind, collection) is not { } kind || !ResourceGrammar.IsId(kind, id))
            {
                return false;
            }

            found = new ResourceName(found, kind, id.ToString());
            if (end < 0)
            {
                name = found;
                return true;
            }

            rest = rest[(end + 1)..];
        }
    }

    /// <summary>Reads a name of one kind.</summary>
    /// <param name="text">The name.</param>
    /// <param name="expected">The kind.</param>
    /// <param name="name">The name read.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, ResourceKind expected, [NotNullWhen(true)] out ResourceName? name)
    {
        if (TryParse(text, out name) && name.Kind == expected)
        {
            return true;
        }

        name = null;
        return false;
    }

    /// <summary>Reads the name in a request, and refuses with INVALID_ARGUMENT what is none.</summary>
    /// <param name="text">The name.</param>
    /// <param name="field">The field of the request that holds it.</param>
    /// <param name="expected">The kinds that are accepted there.</param>
    public static ResourceName Require(string? text, string field, params ResourceKind[] expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        return TryParse(text, out var name) && expected.Contains(name.Kind)
            ? name
            : throw GalleryError.InvalidParameter(field, Describe(expected));
    }

    /// <summary>What a field accepts that holds a name of one of the kinds: for a violation's description.</summary>
    /// <param name="expected">The kinds.</param>
    public static string Describe(params ResourceKind[] expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        return $"Must be a resource name of the form {string.Join(" or ", expected.Select(kind => $"'{ResourceGrammar.Pattern(kind)}'"))}; "
            + $"the subscription is a UUID, other ids are 1 to {ResourceGrammar.LongestId} of A-Z a-z 0-9 . _ - ( ).";
    }

    /// <summary>The name of a resource below this one.</summary>
    /// <param name="kind">A kind that this kind holds.</param>
    /// <param name="id">Its id.</param>
    /// <exception cref="ArgumentException">This resource holds none of the kind, or the id is no id: check with
    /// <see cref="TryChild"/>.</exception>
    public ResourceName Child(ResourceKind kind, string id) =>
        TryChild(kind, id, out var child)
            ? child
            : throw new ArgumentException($"'{id}' is no {ResourceGrammar.Noun(kind)} of '{Value}'.", nameof(id));

    /// <summary>The name of a resource below this one, if the id may stand in a name.</summary>
    /// <param name="kind">A kind that this kind holds.</param>
    /// <param name="id">Its id.</param>
    /// <param name="name">The name.</param>
    public bool TryChild(ResourceKind kind, string? id, [NotNullWhen(true)] out ResourceName? name)
    {
        var fits = ResourceGrammar.Parent(kind) == Kind && ResourceGrammar.IsId(kind, id);
        name = fits ? new ResourceName(this, kind, id!) : null;
        return fits;
    }

    /// <summary>This name or the one above it that is of the kind; null when there is none.</summary>
    /// <param name="kind">The kind.</param>
    public ResourceName? Ancestor(ResourceKind kind) => Kind == kind ? this : Parent?.Ancestor(kind);

    /// <summary>Whether this name is the other one or lies below it.</summary>
    /// <param name="scope">The other name.</param>
    public bool IsAtOrBelow(ResourceName scope) => Equals(scope) || Parent?.IsAtOrBelow(scope) == true;

    /// <inheritdoc />
    public bool Equals(ResourceName? other) => other is not null && Key == other.Key;

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as ResourceName);

    /// <inheritdoc />
    public override int GetHashCode() => Key.GetHashCode(StringComparison.Ordinal);

    /// <summary>The name as written.</summary>
    public override string ToString() => Value;
}
