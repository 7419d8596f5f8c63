using System.CommandLine;

namespace Gallery.Cli.Names;

/// <summary>The options that name a resource, or the one that holds it: <c>--group</c> down to <c>--version</c>.</summary>
internal sealed class NameOptions
{
    private readonly Option<string?> group = new("--group", "-g") { Description = "The resource group.", HelpName = "GROUP" };
    private readonly Option<string?> gallery = new("--gallery") { Description = "The gallery.", HelpName = "GALLERY" };
    private readonly Option<string?> definition = new("--definition") { Description = "The image definition.", HelpName = "DEFINITION" };
    private readonly Option<string?> version = new("--version")
    {
        Description = "The version: 1.0.0, or a full or short name.",
        HelpName = "VERSION",
    };
    private readonly ResourceKind deepest;

    private NameOptions(ResourceKind deepest) => this.deepest = deepest;

    /// <summary>Adds the options to a command, from the group down to <paramref name="deepest"/>.</summary>
    public static NameOptions AddTo(Command command, ResourceKind deepest)
    {
        var options = new NameOptions(deepest);
        foreach (var option in new[] { options.group, options.gallery, options.definition, options.version }.Take((int)deepest))
        {
            command.Add(option);
        }

        return options;
    }

    /// <summary>What was said.</summary>
    public NameParts Of(Invocation invocation) =>
        new(
            Text(invocation, group, ResourceKind.Group),
            Text(invocation, gallery, ResourceKind.Gallery),
            Text(invocation, definition, ResourceKind.Definition),
            Text(invocation, version, ResourceKind.Version)
        );

    private string? Text(Invocation invocation, Option<string?> option, ResourceKind kind) =>
        kind <= deepest && invocation.Get(option) is { Length: > 0 } text ? text : null;
}
