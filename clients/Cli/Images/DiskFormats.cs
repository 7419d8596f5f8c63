using System.CommandLine;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Images;

/// <summary>The option <c>--format</c> of what is read.</summary>
internal static class DiskFormats
{
    /// <summary>A new option.</summary>
    public static Option<string?> Option()
    {
        var option = new Option<string?>("--format")
        {
            Description = "The file's format: raw, vhd, or auto (a file named .vhd must be one, any other is looked at).",
            DefaultValueFactory = _ => "auto",
        };
        option.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "auto", "raw", "vhd");
        return option;
    }

    /// <summary>
    /// The format to announce. A file that calls itself .vhd is announced as one, so that it is refused when it is not: taken as raw it
    /// would be published with its footer, or as garbage.
    /// </summary>
    public static DiskFormat Of(string? chosen, string path) =>
        chosen?.ToLowerInvariant() switch
        {
            "raw" => DiskFormat.Raw,
            "vhd" => DiskFormat.VhdFixed,
            _ => Path.GetExtension(path).Equals(".vhd", StringComparison.OrdinalIgnoreCase) ? DiskFormat.VhdFixed : DiskFormat.Unspecified,
        };
}
