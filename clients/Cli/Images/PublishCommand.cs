using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Cli.Snapshots;
using Gallery.Cli.Uploads;
using Gallery.Cli.Versions;

namespace Gallery.Cli.Images;

/// <summary><c>image publish</c>: from a disk file to a version in all its regions.</summary>
internal static class PublishCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var file = new Argument<string?>("FILE")
        {
            Description = "The disk: raw, VHD (fixed or dynamic), VHDX or qcow2.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var from = new Option<string?>("--from")
        {
            Description = "In place of FILE: an address that the home region fetches the disk from. - reads it from standard input.",
            HelpName = "URI",
        };
        var to = new Option<string[]>("--to")
        {
            Description = "A region to have it in, may be repeated: eastus, eastus=2, eastus=2:Standard_ZRS.",
            HelpName = TargetSpec.Pattern,
            Required = true,
            AllowMultipleArgumentsPerToken = false,
        };
        var home = new Option<string?>("--home")
        {
            Description = "The region that the file is sent to, one of the targets; the definition's if it is among them, else the first.",
            HelpName = "REGION",
        };
        var format = DiskFormats.Option();
        var watch = new Option<bool>("--watch")
        {
            Description = "Follow the replication until nothing is left to do. Exit code 1 when a region was given up.",
        };
        var exclude = new Option<bool>("--exclude-from-latest") { Description = "'latest' passes this version over." };
        var drop = new Option<bool>("--delete-snapshot-when-done")
        {
            Description =
                "Delete the snapshot when the version is complete (needs --watch). By default it stays: the next version sends what differs.",
        };
        var tags = TagOption.Create();
        var command = new Command("publish", "Publishes a disk file as a version of an image and replicates it.")
        {
            file,
            from,
            to,
            home,
            format,
            watch,
            exclude,
            drop,
            tags,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                if (invocation.Get(drop) && !invocation.Get(watch))
                {
                    throw CommandFailure.Usage(
                        "--delete-snapshot-when-done needs --watch: the version needs its snapshot until its home region is complete."
                    );
                }

                var version = invocation.Resolve(ResourceKind.Version, null, names.Of(invocation));
                VersionNumber.Require(version.Id);
                var (path, address) = (invocation.Get(file), invocation.Get(from));
                if ((path is null) == (address is null))
                {
                    throw CommandFailure.Usage("Either a FILE or --from URI is needed, and not both.");
                }

                address = address is null ? null : await new SnapshotImporter(invocation).ReadUriAsync(address);
                using var disk = path is null ? null : DiskFile.Open(path);
                var request = new PublishRequest(version, TargetSpec.ParseAll(invocation.Required(to)))
                {
                    Home = invocation.Get(home) is { Length: > 0 } region ? TargetSpec.CanonicalRegion(region) : null,
                    Format = disk is null
                        ? DiskFormats.Of(invocation.Get(format), new Uri(address!))
                        : DiskFormats.Of(invocation.Get(format), disk),
                    ExcludeFromLatest = invocation.Get(exclude),
                    Tags = invocation.Get(tags) ?? [],
                };
                request.Check(disk?.Length);
                IPublishSource source = disk is not null
                    ? new FilePublishSource(invocation, disk, new TransferOptions())
                    : new UriPublishSource(invocation, address!);
                await new Publisher(invocation, source).PublishAsync(request, invocation.Get(watch), invocation.Get(drop));
            }
        );
    }
}
