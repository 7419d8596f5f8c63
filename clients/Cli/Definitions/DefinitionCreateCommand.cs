using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Contracts.Catalog.V1;
using OperatingSystem = Gallery.Contracts.Common.V1.OperatingSystem;

namespace Gallery.Cli.Definitions;

/// <summary><c>definition create</c>.</summary>
internal static class DefinitionCreateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var name = DefinitionCommands.NameArgument();
        var os = Words("--os", "The operating system.", required: true, "linux", "windows");
        var state = Words(
            "--state",
            "Whether machines are given names and users when they are made.",
            required: true,
            "generalized",
            "specialized"
        );
        var publisher = new Option<string>("--publisher") { Description = "Who publishes it.", Required = true };
        var offer = new Option<string>("--offer") { Description = "What it is an edition of.", Required = true };
        var sku = new Option<string>("--sku")
        {
            Description = "Which edition it is. Publisher, offer and SKU together are unique in the gallery.",
            Required = true,
        };
        var location = new Option<string?>("--location", "-l")
        {
            Description = "The region that it is at home in; the gallery's by default.",
            HelpName = "REGION",
        };
        var generation = Words(
            "--generation",
            "The firmware of the machines: V1 BIOS, V2 UEFI (the default).",
            required: false,
            "V1",
            "V2"
        );
        var architecture = Words("--architecture", "The processor: x64 (the default) or arm64.", required: false, "x64", "arm64");
        var description = new Option<string?>("--description") { Description = "What it is for." };
        var tags = TagOption.Create();
        var command = new Command("create", "Creates a definition.")
        {
            name,
            os,
            state,
            publisher,
            offer,
            sku,
            location,
            generation,
            architecture,
            description,
            tags,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Gallery);
        return host.Handle(
            command,
            async invocation =>
            {
                var definition = invocation.Resolve(ResourceKind.Definition, invocation.Required(name), names.Of(invocation));
                var request = new CreateImageDefinitionRequest
                {
                    Parent = definition.Parent.ToString(),
                    ImageDefinitionId = definition.Id,
                    ImageDefinition = new ImageDefinition
                    {
                        Location = invocation.Get(location) ?? await GalleryLocationAsync(invocation, definition.Parent),
                        OsType = DefinitionCommands.Choice(
                            invocation.Get(os),
                            ("linux", OperatingSystem.Linux),
                            ("windows", OperatingSystem.Windows)
                        ),
                        OsState = DefinitionCommands.Choice(
                            invocation.Get(state),
                            ("generalized", OperatingSystemState.Generalized),
                            ("specialized", OperatingSystemState.Specialized)
                        ),
                        HyperVGeneration = DefinitionCommands.Choice(
                            invocation.Get(generation),
                            ("V1", HyperVGeneration.V1),
                            ("V2", HyperVGeneration.V2)
                        ),
                        Architecture = DefinitionCommands.Choice(
                            invocation.Get(architecture),
                            ("x64", Architecture.X64),
                            ("arm64", Architecture.Arm64)
                        ),
                        Identifier = new ImageIdentifier
                        {
                            Publisher = invocation.Required(publisher),
                            Offer = invocation.Required(offer),
                            Sku = invocation.Required(sku),
                        },
                        Description = invocation.Get(description) ?? "",
                    },
                    RequestId = Invocation.NewRequestId(),
                };
                TagOption.Fill(request.ImageDefinition.Tags, invocation.Get(tags));
                var answer = await invocation.Services.Definitions.CreateImageDefinitionAsync(
                    request,
                    cancellationToken: invocation.Cancellation
                );
                DefinitionCommands.Write(invocation, answer.ImageDefinition);
            }
        );
    }

    private static async Task<string> GalleryLocationAsync(Invocation invocation, ResourceName gallery)
    {
        var request = new GetGalleryRequest { Name = gallery.ToString() };
        var answer = await invocation.Services.Galleries.GetGalleryAsync(request, cancellationToken: invocation.Cancellation);
        return answer.Gallery.Location;
    }

    private static Option<string?> Words(string name, string description, bool required, params string[] words)
    {
        var option = new Option<string?>(name) { Description = description, Required = required };
        return option.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, words);
    }
}
