using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Cli.Definitions;

/// <summary><c>definition create|show|list|delete</c>.</summary>
internal static class DefinitionCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("definition", "Image definitions: what is true of all versions of an image.")
        {
            DefinitionCreateCommand.Create(host),
            Show(host),
            List(host),
            Delete(host),
        };

    /// <summary>The argument that names a definition.</summary>
    public static Argument<string> NameArgument() =>
        new("NAME") { Description = "The definition's name. Also GROUP/GALLERY/NAME, or a full name." };

    private static Command Show(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("show", "Shows a definition.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Gallery);
        return host.Handle(
            command,
            async invocation =>
            {
                var definition = invocation.Resolve(ResourceKind.Definition, invocation.Required(name), names.Of(invocation));
                var request = new GetImageDefinitionRequest { Name = definition.ToString() };
                var answer = await invocation.Services.Definitions.GetImageDefinitionAsync(
                    request,
                    cancellationToken: invocation.Cancellation
                );
                Write(invocation, answer.ImageDefinition);
            }
        );
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the definitions of a gallery.");
        var names = NameOptions.AddTo(command, ResourceKind.Gallery);
        return host.Handle(
            command,
            async invocation =>
            {
                var gallery = invocation.Resolve(ResourceKind.Gallery, null, names.Of(invocation));
                var definitions = await Pages.ReadAllAsync(async page =>
                {
                    var request = new ListImageDefinitionsRequest
                    {
                        Parent = gallery.ToString(),
                        PageSize = Pages.Size,
                        PageToken = page,
                    };
                    var answer = await invocation.Services.Definitions.ListImageDefinitionsAsync(
                        request,
                        cancellationToken: invocation.Cancellation
                    );
                    return ((IEnumerable<ImageDefinition>)answer.ImageDefinitions, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    definitions,
                    new Column<ImageDefinition>("NAME", definition => definition.Name.Split('/')[^1]),
                    new Column<ImageDefinition>("LOCATION", definition => definition.Location),
                    new Column<ImageDefinition>("OS", definition => Human.Words(definition.OsType)),
                    new Column<ImageDefinition>("OS STATE", definition => Human.Words(definition.OsState)),
                    new Column<ImageDefinition>("PUBLISHER", definition => definition.Identifier?.Publisher ?? ""),
                    new Column<ImageDefinition>("OFFER", definition => definition.Identifier?.Offer ?? ""),
                    new Column<ImageDefinition>("SKU", definition => definition.Identifier?.Sku ?? "")
                );
            }
        );
    }

    private static Command Delete(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("delete", "Deletes a definition without versions.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Gallery);
        return host.Handle(
            command,
            async invocation =>
            {
                var definition = invocation.Resolve(ResourceKind.Definition, invocation.Required(name), names.Of(invocation));
                var request = new DeleteImageDefinitionRequest { Name = definition.ToString(), RequestId = Invocation.NewRequestId() };
                await invocation.Services.Definitions.DeleteImageDefinitionAsync(request, cancellationToken: invocation.Cancellation);
                invocation.Result.WriteFact($"Deleted definition {definition.Short}.", ("deleted", definition.ToString()));
            }
        );
    }

    /// <summary>Writes a definition.</summary>
    public static void Write(Invocation invocation, ImageDefinition definition) =>
        invocation.Result.WriteResource(
            definition,
            [
                ("Name", definition.Name),
                ("Location", definition.Location),
                ("Operating system", $"{Human.Words(definition.OsType)}, {Human.Words(definition.OsState)}"),
                ("Identifier", definition.Identifier is { } id ? $"{id.Publisher} / {id.Offer} / {id.Sku}" : ""),
                ("Machines", $"{definition.Architecture.ToString().ToLowerInvariant()}, {definition.HyperVGeneration}"),
                ("Features", string.Join(", ", definition.Features.Select(feature => $"{feature.Name}={feature.Value}"))),
                ("Description", definition.Description),
                ("End of life", Human.Time(definition.EndOfLifeDate)),
                ("Tags", Human.Tags(definition.Tags)),
                ("State", Human.Words(definition.ProvisioningState)),
                ("Created", Human.Time(definition.CreateTime)),
                ("Changed", Human.Time(definition.UpdateTime)),
            ]
        );

    /// <summary>What the person typed for an enum, as its value.</summary>
    public static T Choice<T>(string? text, params ReadOnlySpan<(string Word, T Value)> choices)
        where T : struct, Enum
    {
        foreach (var (word, value) in choices)
        {
            if (word.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return default;
    }
}
