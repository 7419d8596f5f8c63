using System.CommandLine;
using Gallery.Cli.Images;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Cost;

/// <summary><c>cost estimate</c>: of a version, of a disk file, or of a size.</summary>
internal static class EstimateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var file = new Argument<string?>("FILE")
        {
            Description = "A disk file: what its non-zero blocks come to is estimated for.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var size = new Option<string?>("--size")
        {
            Description = "An occupied size instead: 10737418240, 10GiB, 512MiB.",
            HelpName = "SIZE",
        };
        var to = new Option<string[]>("--to")
        {
            Description = "A region to have it in, may be repeated. Left out with a version: its own.",
            HelpName = TargetSpec.Pattern,
        };
        var home = new Option<string?>("--home")
        {
            Description = "The region that the bytes come from, without a version; the first target by default.",
            HelpName = "REGION",
        };
        var command = new Command(
            "estimate",
            "Tells what a version costs: a month of storage, and once its copies into further regions. Name a version, a FILE or a --size."
        )
        {
            file,
            size,
            to,
            home,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var parts = names.Of(invocation);
                var path = invocation.Get(file);
                var text = invocation.Get(size);
                if ((parts.Version is null ? 0 : 1) + (path is null ? 0 : 1) + (text is null ? 0 : 1) != 1)
                {
                    throw CommandFailure.Usage("What is to be estimated? Name one of: a version (--version), a FILE, or a --size.");
                }

                var targets = TargetSpec.ParseAll(invocation.Get(to) ?? []);
                var request = new EstimateCostRequest { Parent = $"subscriptions/{invocation.Subscription()}" };
                request.TargetRegions.AddRange(
                    targets.Select(target => new EstimatedRegion
                    {
                        Region = target.Region,
                        ReplicaCount = target.ReplicaCount,
                        StorageAccountType = target.StorageType,
                    })
                );
                if (parts.Version is not null)
                {
                    var version = invocation.Resolve(ResourceKind.Version, null, parts);
                    request.Version = version.ToString();
                    request.Parent = $"subscriptions/{version.Subscription}";
                }
                else
                {
                    request.SourceRegion =
                        invocation.Get(home) is { Length: > 0 } source ? TargetSpec.CanonicalRegion(source)
                        : targets is [var first, ..] ? first.Region
                        : throw CommandFailure.Usage("--to is missing: which regions are to have it?");
                    request.OccupiedSizeBytes = text is null ? Occupied(path!, invocation.Cancellation) : ByteSize.Parse(text);
                }

                var answer = await invocation.Services.Estimates.EstimateCostAsync(request, cancellationToken: invocation.Cancellation);
                Write(invocation, answer);
            }
        );
    }

    private static void Write(Invocation invocation, EstimateCostResponse answer)
    {
        invocation.Result.Say(
            $"{Human.Bytes(answer.OccupiedSizeBytes)} occupied, {Human.Number(answer.SnapshotCount)} snapshots, from {answer.SourceRegion}"
        );
        invocation.Result.WriteParts(answer, [.. answer.MonthlyLines, .. answer.OneOffLines], CostCommands.Columns(withResource: false));
        invocation.Result.Say($"Each month {Human.Money(answer.MonthlyTotal)}, once {Human.Money(answer.OneOffTotal)}");
    }

    private static long Occupied(string path, CancellationToken cancellation)
    {
        using var disk = DiskFile.Open(path);
        if (DiskFormats.Recognise(disk) == DiskFormat.Qcow2)
        {
            throw CommandFailure.Failed(
                $"{path} is a qcow2 image, which may be packed: what its disk occupies shows only when it is read.",
                "Name the occupied size: --size. 'qemu-img map FILE' lists what is allocated."
            );
        }

        return OccupiedSize.Of(disk, cancellation);
    }
}
