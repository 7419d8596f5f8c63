using System.CommandLine;
using Gallery.Cli.Images;
using Gallery.Cli.Names;

namespace Gallery.Cli.Snapshots;

/// <summary><c>snapshot import</c>: has a region fetch a disk file from where it lies.</summary>
internal static class SnapshotImportCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var uri = new Argument<string>("URI")
        {
            Description =
                "Where the file lies: https://…, http://…, file:///… on the machine of the region's node. - reads the address from standard input.",
        };
        var name = new Option<string>("--name")
        {
            Description = "The snapshot's name.",
            HelpName = "NAME",
            Required = true,
        };
        var region = new Option<string>("--region")
        {
            Description = "The region that fetches it.",
            HelpName = "REGION",
            Required = true,
        };
        var format = DiskFormats.Option();
        var watch = new Option<bool>("--watch") { Description = "Follow the import until it is ready. Exit code 1 when it failed." };
        var tags = TagOption.Create();
        var command = new Command("import", "Has a region fetch a disk file by itself and makes a snapshot of it.")
        {
            uri,
            name,
            region,
            format,
            watch,
            tags,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var importer = new SnapshotImporter(invocation);
                var address = await importer.ReadUriAsync(invocation.Required(uri));
                var snapshot = await importer.BeginAsync(
                    invocation.Resolve(ResourceKind.Group, null, names.Of(invocation)),
                    invocation.Required(name),
                    TargetSpec.CanonicalRegion(invocation.Required(region)),
                    DiskFormats.Of(invocation.Get(format), new Uri(address)),
                    address,
                    invocation.Get(tags)
                );
                if (invocation.Get(watch))
                {
                    snapshot = await importer.FollowAsync(snapshot);
                }

                SnapshotCommands.Write(invocation, snapshot);
            }
        );
    }
}
