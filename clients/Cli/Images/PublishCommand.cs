using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Cli.Uploads;
using Gallery.Cli.Versions;

namespace Gallery.Cli.Images;

/// <summary><c>image publish</c>: from a disk file to a version in all its regions.</summary>
internal static class PublishCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var file = new Argument<string>("FILE") { Description = "The disk: raw or fixed VHD." };
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
                using var disk = DiskFile.Open(invocation.Required(file));
                var request = new PublishRequest(version, TargetSpec.ParseAll(invocation.Required(to)))
                {
                    Home = invocation.Get(home) is { Length: > 0 } region ? TargetSpec.CanonicalRegion(region) : null,
                    Format = DiskFormats.Of(invocation.Get(format), disk.Path),
                    ExcludeFromLatest = invocation.Get(exclude),
                    Tags = invocation.Get(tags) ?? [],
                };
                request.Check(disk.Length);
                await new Publisher(invocation, disk, new TransferOptions()).PublishAsync(
                    request,
                    invocation.Get(watch),
                    invocation.Get(drop)
                );
            }
        );
    }
}
