using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Cli.Galleries;

/// <summary><c>gallery create|show|list|delete</c>.</summary>
internal static class GalleryCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("gallery", "Galleries: what holds image definitions.") { CreateGallery(host), Show(host), List(host), Delete(host) };

    private static Argument<string> NameArgument() =>
        new("NAME") { Description = "The gallery's name: letters, digits, '.' and '_'. Also GROUP/NAME, or a full name." };

    private static Command CreateGallery(CommandHost host)
    {
        var name = NameArgument();
        var location = new Option<string>("--location", "-l")
        {
            Description = "The region that it is at home in.",
            HelpName = "REGION",
            Required = true,
        };
        var description = new Option<string?>("--description") { Description = "What it is for." };
        var tags = TagOption.Create();
        var command = new Command("create", "Creates a gallery.") { name, location, description, tags };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var gallery = invocation.Resolve(ResourceKind.Gallery, invocation.Required(name), names.Of(invocation));
                var request = new V1.CreateGalleryRequest
                {
                    Parent = gallery.Group.ToString(),
                    GalleryId = gallery.Id,
                    Gallery = new V1.Gallery { Location = invocation.Required(location), Description = invocation.Get(description) ?? "" },
                    RequestId = Invocation.NewRequestId(),
                };
                TagOption.Fill(request.Gallery.Tags, invocation.Get(tags));
                var answer = await invocation.Services.Galleries.CreateGalleryAsync(request, cancellationToken: invocation.Cancellation);
                Write(invocation, answer.Gallery);
            }
        );
    }

    private static Command Show(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("show", "Shows a gallery.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var gallery = invocation.Resolve(ResourceKind.Gallery, invocation.Required(name), names.Of(invocation));
                var request = new V1.GetGalleryRequest { Name = gallery.ToString() };
                var answer = await invocation.Services.Galleries.GetGalleryAsync(request, cancellationToken: invocation.Cancellation);
                Write(invocation, answer.Gallery);
            }
        );
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the galleries of a resource group, or of the whole subscription.");
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var parts = names.Of(invocation);
                var parent = parts.Group is null
                    ? $"subscriptions/{invocation.Subscription()}"
                    : invocation.Resolve(ResourceKind.Group, null, parts).ToString();
                var galleries = await Pages.ReadAllAsync(async page =>
                {
                    var request = new V1.ListGalleriesRequest
                    {
                        Parent = parent,
                        PageSize = Pages.Size,
                        PageToken = page,
                    };
                    var answer = await invocation.Services.Galleries.ListGalleriesAsync(
                        request,
                        cancellationToken: invocation.Cancellation
                    );
                    return ((IEnumerable<V1.Gallery>)answer.Galleries, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    galleries,
                    new Column<V1.Gallery>("NAME", gallery => gallery.Name.Split('/')[^1]),
                    new Column<V1.Gallery>("GROUP", gallery => ResourceName.TryParse(gallery.Name)?.Group.Id ?? ""),
                    new Column<V1.Gallery>("LOCATION", gallery => gallery.Location),
                    new Column<V1.Gallery>("STATE", gallery => Human.Words(gallery.ProvisioningState)),
                    new Column<V1.Gallery>("CREATED", gallery => Human.Time(gallery.CreateTime))
                );
            }
        );
    }

    private static Command Delete(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("delete", "Deletes an empty gallery.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var gallery = invocation.Resolve(ResourceKind.Gallery, invocation.Required(name), names.Of(invocation));
                var request = new V1.DeleteGalleryRequest { Name = gallery.ToString(), RequestId = Invocation.NewRequestId() };
                await invocation.Services.Galleries.DeleteGalleryAsync(request, cancellationToken: invocation.Cancellation);
                invocation.Result.WriteFact($"Deleted gallery {gallery.Short}.", ("deleted", gallery.ToString()));
            }
        );
    }

    private static void Write(Invocation invocation, V1.Gallery gallery) =>
        invocation.Result.WriteResource(
            gallery,
            [
                ("Name", gallery.Name),
                ("Location", gallery.Location),
                ("Description", gallery.Description),
                ("Tags", Human.Tags(gallery.Tags)),
                ("State", Human.Words(gallery.ProvisioningState)),
                ("Sharing", gallery.SharingProfile is { } sharing ? Human.Words(sharing.Permissions) : ""),
                ("Unique name", gallery.UniqueName),
                ("Created", Human.Time(gallery.CreateTime)),
                ("Changed", Human.Time(gallery.UpdateTime)),
            ]
        );
}
