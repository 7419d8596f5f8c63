using System.CommandLine;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Images;

/// <summary>The option <c>--format</c> of what is read.</summary>
internal static class DiskFormats
{
    private const int SectorSize = 512;
    private const int FixedVhd = 2;

    /// <summary>A new option.</summary>
    public static Option<string?> Option()
    {
        var option = new Option<string?>("--format")
        {
            Description = "The file's format: raw, vhd, vhdx, qcow2, or auto (the file is looked at, and must be what its name says).",
            DefaultValueFactory = _ => "auto",
        };
        option.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "auto", "raw", "vhd", "vhdx", "qcow2");
        return option;
    }

    /// <summary>
    /// The format to announce. What its name or the option says is announced even where the file has no sign of it, so that the file is refused:
    /// taken as raw it would be published with its headers, or as garbage.
    /// </summary>
    public static DiskFormat Of(string? chosen, DiskFile file)
    {
        if (Is(chosen, "raw"))
        {
            return DiskFormat.Raw;
        }

        var found = Recognise(file);
        var named = chosen is null || Is(chosen, "auto") ? Path.GetExtension(file.Path).TrimStart('.') : chosen;
        return named.ToLowerInvariant() switch
        {
            "vhd" => found == DiskFormat.VhdDynamic ? DiskFormat.VhdDynamic : DiskFormat.VhdFixed,
            "vhdx" => DiskFormat.Vhdx,
            "qcow2" => DiskFormat.Qcow2,
            _ => found,
        };
    }

    /// <summary>
    /// The format to announce of a file that lies elsewhere: what the option says, else what a name says that stands for one format only. The node
    /// looks at every other.
    /// </summary>
    public static DiskFormat Of(string? chosen, Uri address) =>
        (chosen is null || Is(chosen, "auto") ? Path.GetExtension(address.AbsolutePath) : "." + chosen).ToLowerInvariant() switch
        {
            ".raw" when chosen is not null && !Is(chosen, "auto") => DiskFormat.Raw,
            ".vhd" when chosen is not null && !Is(chosen, "auto") => DiskFormat.VhdFixed,
            ".vhdx" => DiskFormat.Vhdx,
            ".qcow2" => DiskFormat.Qcow2,
            _ => DiskFormat.Unspecified,
        };

    /// <summary>What the file's own signature says; UNSPECIFIED when it has none.</summary>
    public static DiskFormat Recognise(DiskFile file)
    {
        var sector = new byte[SectorSize];
        if (file.Length < SectorSize)
        {
            return DiskFormat.Unspecified;
        }

        file.Read(file.Length - SectorSize, sector);
        var ends = sector.AsSpan().StartsWith("conectix"u8);
        var isFixed = ends && sector[63] == FixedVhd;
        file.Read(0, sector);
        return sector.AsSpan().StartsWith("vhdxfile"u8) ? DiskFormat.Vhdx
            : sector.AsSpan().StartsWith("QFI"u8) && sector[3] == 0xfb ? DiskFormat.Qcow2
            : isFixed ? DiskFormat.VhdFixed
            : ends || sector.AsSpan().StartsWith("conectix"u8) ? DiskFormat.VhdDynamic
            : DiskFormat.Unspecified;
    }

    private static bool Is(string? chosen, string word) => string.Equals(chosen, word, StringComparison.OrdinalIgnoreCase);
}
