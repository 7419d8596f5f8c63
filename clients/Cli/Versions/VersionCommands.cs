using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Versions;

/// <summary><c>version show|list|status|replicas|watch|cancel|retry|delete</c>.</summary>
internal static class VersionCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("version", "Image versions, and how they are spread over the regions.")
        {
            Show(host),
            List(host),
            VersionStatusCommand.Create(host),
            VersionReplicasCommand.Create(host),
            ReplicaWatchCommand.Create(host),
            ReplicationCommands.Cancel(host),
            ReplicationCommands.Retry(host),
            Delete(host),
        };

    /// <summary>The argument that may name a version instead of the options.</summary>
    public static Argument<string?> NameArgument() =>
        new("NAME")
        {
            Description = "The version: GROUP/GALLERY/DEFINITION/1.0.0, or a full name; may be left out when the options say it.",
            Arity = ArgumentArity.ZeroOrOne,
        };

    private static Command Show(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("show", "Shows a version.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, invocation.Get(name), names.Of(invocation));
                var request = new GetImageVersionRequest { Name = version.ToString() };
                var answer = await invocation.Services.Versions.GetImageVersionAsync(request, cancellationToken: invocation.Cancellation);
                Write(invocation, answer.ImageVersion);
            }
        );
    }

    private static Command List(CommandHost host)
    {
        var name = new Argument<string?>("DEFINITION")
        {
            Description = "The definition: GROUP/GALLERY/DEFINITION, or a full name; may be left out when the options say it.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var command = new Command("list", "Lists the versions of a definition.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Definition);
        return host.Handle(
            command,
            async invocation =>
            {
                var definition = invocation.Resolve(ResourceKind.Definition, invocation.Get(name), names.Of(invocation));
                var versions = await Pages.ReadAllAsync(async page =>
                {
                    var request = new ListImageVersionsRequest
                    {
                        Parent = definition.ToString(),
                        PageSize = Pages.Size,
                        PageToken = page,
                    };
                    var answer = await invocation.Services.Versions.ListImageVersionsAsync(
                        request,
                        cancellationToken: invocation.Cancellation
                    );
                    return ((IEnumerable<ImageVersion>)answer.ImageVersions, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    versions,
                    new Column<ImageVersion>("VERSION", version => version.Name.Split('/')[^1]),
                    new Column<ImageVersion>("STATE", version => Human.Words(version.ProvisioningState)),
                    new Column<ImageVersion>("HOME", version => version.Location),
                    new Column<ImageVersion>("REGIONS", version => Regions(version)),
                    new Column<ImageVersion>("OCCUPIED", version => Human.Bytes(version.OccupiedSizeBytes), AlignRight: true),
                    new Column<ImageVersion>(
                        "PUBLISHED",
                        version => Human.Time(version.PublishingProfile?.PublishedDate ?? version.CreateTime)
                    )
                );
            }
        );
    }

    private static Command Delete(CommandHost host)
    {
        var name = NameArgument();
        var bypass = new Option<bool>("--bypass-soft-delete")
        {
            Description = "Do away with it at once, also in a gallery that soft-deletes.",
        };
        var noWait = new Option<bool>("--no-wait") { Description = "Return as soon as the deletion is accepted." };
        var command = new Command("delete", "Deletes a version and all its replicas.") { name, bypass, noWait };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, invocation.Get(name), names.Of(invocation));
                var request = new DeleteImageVersionRequest
                {
                    Name = version.ToString(),
                    BypassSoftDelete = invocation.Get(bypass),
                    RequestId = Invocation.NewRequestId(),
                };
                await invocation.Services.Versions.DeleteImageVersionAsync(request, cancellationToken: invocation.Cancellation);
                if (invocation.Get(noWait))
                {
                    invocation.Result.WriteFact($"Deleting version {version.Short}.", ("deleting", version.ToString()));
                    return;
                }

                await VersionWatcher.WaitUntilGoneAsync(invocation, version);
                invocation.Result.WriteFact($"Deleted version {version.Short}.", ("deleted", version.ToString()));
            }
        );
    }

    /// <summary>Writes a version.</summary>
    public static void Write(Invocation invocation, ImageVersion version) =>
        invocation.Result.WriteResource(
            version,
            [
                ("Name", version.Name),
                ("State", Human.Words(version.ProvisioningState)),
                ("Details", version.ProvisioningDetails),
                ("Home", version.Location),
                ("Regions", Regions(version)),
                ("Virtual size", Human.Bytes(version.VirtualSizeBytes)),
                ("Occupied size", Human.Bytes(version.OccupiedSizeBytes)),
                ("OS disk", Disk(version.StorageProfile?.OsDiskImage?.Snapshot, version.StorageProfile?.OsDiskImage?.Content)),
                .. DataDisks(version),
                ("Left out of latest", version.PublishingProfile?.ExcludeFromLatest == true ? "yes" : ""),
                ("End of life", Human.Time(version.PublishingProfile?.EndOfLifeDate)),
                ("Tags", Human.Tags(version.Tags)),
                ("Published", Human.Time(version.PublishingProfile?.PublishedDate)),
                ("Changed", Human.Time(version.UpdateTime)),
            ]
        );

    private static IEnumerable<(string Title, string Text)> DataDisks(ImageVersion version) =>
        version.StorageProfile?.DataDiskImages.Select(disk => ($"Data disk {disk.Lun}", Disk(disk.Snapshot, disk.Content))) ?? [];

    private static string Disk(string? snapshot, ContentDescriptor? content) =>
        content is null ? snapshot ?? ""
        : string.IsNullOrEmpty(snapshot) ? content.Digest
        : $"{content.Digest} from {snapshot.Split('/')[^1]}";

    private static string Regions(ImageVersion version) =>
        version.PublishingProfile is { TargetRegions.Count: > 0 } profile
            ? string.Join(", ", profile.TargetRegions.Select(target => Region(target, profile)))
            : version.Location;

    private static string Region(TargetRegion target, ImageVersionPublishingProfile profile)
    {
        var count = target.RegionalReplicaCount > 0 ? target.RegionalReplicaCount : Math.Max(profile.ReplicaCount, 1);
        var storage = Human.Storage(
            target.StorageAccountType == StorageAccountType.Unspecified ? profile.StorageAccountType : target.StorageAccountType
        );
        return storage.Length == 0 ? $"{target.Name}={count}" : $"{target.Name}={count}:{storage}";
    }
}
