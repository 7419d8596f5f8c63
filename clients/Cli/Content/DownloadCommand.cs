using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Content;

/// <summary><c>content download</c>: a disk of a replica as a file.</summary>
internal static class DownloadCommand
{
    private const int HighestOrdinal = 99;

    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var region = new Option<string>("--region")
        {
            Description = "The region to take it from.",
            Required = true,
            HelpName = "REGION",
        };
        var to = new Option<string>("--out")
        {
            Description = "The file to write. Holes of the disk become holes of the file.",
            Required = true,
            HelpName = "FILE",
        };
        var replica = new Option<int?>("--replica")
        {
            Description = "Only this replica of the region, from 0; the least loaded one by default.",
            HelpName = "N",
        };
        var disk = new Option<string>("--disk")
        {
            Description = "Which disk: os, or lun0, lun1, ….",
            DefaultValueFactory = _ => "os",
            HelpName = "os|lunN",
        };
        var format = new Option<string>("--format")
        {
            Description = "The format of the file: raw, vhd (fixed), or qcow2 (as small as what the disk occupies).",
            DefaultValueFactory = _ => "raw",
        };
        format.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "raw", "vhd", "qcow2");
        var command = new Command("download", "Writes a disk of a version, read from a replica, to a file.")
        {
            region,
            to,
            replica,
            disk,
            format,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var parts = names.Of(invocation);
                var image = invocation.Resolve(parts.Version is null ? ResourceKind.Definition : ResourceKind.Version, null, parts);
                var ordinal = invocation.Get(replica);
                if (ordinal is < 0 or > HighestOrdinal)
                {
                    throw CommandFailure.Usage($"--replica is a whole number from 0 to {HighestOrdinal}.");
                }

                var path = Path.GetFullPath(invocation.Required(to));
                if (Directory.Exists(path))
                {
                    throw CommandFailure.Usage($"{path} is a folder.", "Name a file in it.");
                }

                var reader = new ReplicaReader(invocation, new TransferOptions());
                var (lease, bytes) = await reader.ReadAsync(
                    image,
                    invocation.Required(region),
                    ordinal,
                    Slot(invocation.Required(disk)),
                    Format(invocation.Required(format)),
                    path
                );
                var size = $"{Human.Bytes(bytes.VirtualSizeBytes)} ({Human.Bytes(bytes.OccupiedSizeBytes)} occupied)";
                invocation.Result.WriteFact(
                    $"{path}: {size} of {ShortVersion(lease.Version)} from replica {lease.Replica.Split('/')[^1]}.",
                    ("file", path),
                    ("version", lease.Version),
                    ("replica", lease.Replica),
                    ("region", lease.Region),
                    ("format", invocation.Required(format).ToLowerInvariant()),
                    ("digest", bytes.Digest),
                    ("virtualSizeBytes", bytes.VirtualSizeBytes.ToString(CultureInfo.InvariantCulture)),
                    ("occupiedSizeBytes", bytes.OccupiedSizeBytes.ToString(CultureInfo.InvariantCulture))
                );
            }
        );
    }

    /// <summary>Reads <c>os</c> or <c>lun3</c>.</summary>
    /// <exception cref="CommandFailure">It is neither.</exception>
    public static DiskSlot Slot(string text)
    {
        if (text.Equals("os", StringComparison.OrdinalIgnoreCase))
        {
            return new DiskSlot { OsDisk = true };
        }

        return
            text.StartsWith("lun", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(text.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out var lun)
            && lun is >= 0 and <= 63
            ? new DiskSlot { DataDiskLun = lun }
            : throw CommandFailure.Usage($"'{text}' is not a disk.", "Expected: os, or lun0 to lun63.");
    }

    private static DiskFormat Format(string text) =>
        text.ToLowerInvariant() switch
        {
            "vhd" => DiskFormat.VhdFixed,
            "qcow2" => DiskFormat.Qcow2,
            _ => DiskFormat.Raw,
        };

    private static string ShortVersion(string version) => ResourceName.TryParse(version)?.Short ?? version;
}
