namespace Gallery.Cli.Names;

/// <summary>A resource name under a subscription, down to a version. What its parts may look like is the services' business.</summary>
internal sealed class ResourceName
{
    private static readonly string[] Collections = ["resourceGroups", "galleries", "images", "versions"];
    private static readonly string[] Options = ["--group", "--gallery", "--definition", "--version"];
    private readonly string[] parts;

    private ResourceName(string subscription, string[] parts)
    {
        Subscription = subscription;
        this.parts = parts;
    }

    /// <summary>The subscription's id.</summary>
    public string Subscription { get; }

    /// <summary>What it names.</summary>
    public ResourceKind Kind => (ResourceKind)parts.Length;

    /// <summary>Its last part: what the resource is called.</summary>
    public string Id => parts[^1];

    /// <summary>The resource that holds it.</summary>
    public ResourceName Parent => new(Subscription, parts[..^1]);

    /// <summary>The resource group that it is in.</summary>
    public ResourceName Group => new(Subscription, parts[..1]);

    /// <summary>The name, <c>subscriptions/{s}/resourceGroups/{rg}/…</c>.</summary>
    public override string ToString() =>
        $"subscriptions/{Subscription}/{string.Join('/', parts.Select((part, i) => $"{Collections[i]}/{part}"))}";

    /// <summary>The same without the subscription: <c>rg1/prod/ubuntu/1.0.0</c>. Accepted wherever a name is.</summary>
    public string Short => string.Join('/', parts);

    /// <summary>A resource in this one.</summary>
    public ResourceName Child(string id) => new(Subscription, [.. parts, id]);

    /// <summary>Reads a name that a service sent; null when it is none of these kinds.</summary>
    public static ResourceName? TryParse(string? name)
    {
        var segments = (name ?? "").Trim('/').Split('/');
        if (segments.Length is < 4 or > 10 || segments.Length % 2 != 0 || !Same(segments[0], "subscriptions") || segments.Contains(""))
        {
            return null;
        }

        var parts = new string[(segments.Length / 2) - 1];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!Same(segments[(2 * i) + 2], Collections[i]))
            {
                return null;
            }

            parts[i] = segments[(2 * i) + 3];
        }

        return new ResourceName(segments[1], parts);
    }

    /// <summary>
    /// Finds out which resource is meant. <paramref name="text"/> is a full name, or the last parts of one joined by slashes
    /// (<c>rg1/prod/ubuntu</c>, or just <c>ubuntu</c>), or nothing; the options fill in what it leaves out, and may be written in the same
    /// ways.
    /// </summary>
    /// <exception cref="CommandFailure">Something is missing, said twice in two ways, or a name of another kind of resource.</exception>
    public static ResourceName Resolve(ResourceKind kind, string? text, NameParts options, Func<string> subscription)
    {
        var depth = (int)kind;
        var given = options.ToArray();
        text ??= given[depth - 1] ?? throw Missing(kind, asked: kind);
        if (IsFull(text))
        {
            var full = TryParse(text);
            if (full is null || full.Kind != kind)
            {
                throw CommandFailure.Usage($"'{text}' is not the name of a {Word(kind)}.", $"Expected: {Pattern(kind)}");
            }

            full.RefuseContradiction(given, from: 0);
            return full;
        }

        var last = text.Split('/');
        if (last.Length > depth || last.Contains(""))
        {
            throw CommandFailure.Usage(
                $"'{text}' is not the name of a {Word(kind)}.",
                $"Expected: {Pattern(kind)}, or {ShortPattern(kind)}"
            );
        }

        var above = depth - last.Length;
        if (above > 0 && given[above - 1] is null)
        {
            throw Missing((ResourceKind)above, asked: kind);
        }

        var name =
            above == 0
                ? new ResourceName(subscription(), last)
                : Resolve((ResourceKind)above, null, options, subscription).Descendant(last);
        name.RefuseContradiction(given, from: above);
        return name;
    }

    /// <summary>True when the text begins like a full name, so that it needs no options and no default subscription.</summary>
    public static bool IsFull(string? text) =>
        text is not null && text.TrimStart('/').StartsWith("subscriptions/", StringComparison.OrdinalIgnoreCase);

    private ResourceName Descendant(string[] below) => new(Subscription, [.. parts, .. below]);

    private void RefuseContradiction(string?[] given, int from)
    {
        for (var i = from; i < parts.Length; i++)
        {
            if (given[i] is { } option && !Same(option.Split('/')[^1], parts[i]))
            {
                throw CommandFailure.Usage($"The name says '{parts[i]}', and {Options[i]} says '{option}'.", "Leave one of them out.");
            }
        }
    }

    private static CommandFailure Missing(ResourceKind missing, ResourceKind asked) =>
        missing == asked
            ? CommandFailure.Usage($"Which {Word(asked)}? Its name is missing.", $"Name it as {ShortPattern(asked)}, or in full.")
            : CommandFailure.Usage(
                $"{Options[(int)missing - 1]} is missing.",
                $"Give it, or name the {Word(asked)} as {ShortPattern(asked)}."
            );

    private static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static string Word(ResourceKind kind) =>
        kind switch
        {
            ResourceKind.Group => "resource group",
            ResourceKind.Gallery => "gallery",
            ResourceKind.Definition => "definition",
            _ => "version",
        };

    private static string Pattern(ResourceKind kind) =>
        "subscriptions/{s}/" + string.Join('/', Placeholders.Take((int)kind).Select((part, i) => $"{Collections[i]}/{part}"));

    private static string ShortPattern(ResourceKind kind) => string.Join('/', Placeholders.Take((int)kind));

    private static readonly string[] Placeholders = ["GROUP", "GALLERY", "DEFINITION", "VERSION"];
}
