using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Uploads;

/// <summary>
/// The name of the snapshot that a version is made from: <c>ubuntu-1.0.0-3fa95c01</c>. The digits stand for the file and the state it is in,
/// so that the same command, given again after a cut, finds the upload it began, and a changed file makes a snapshot of its own.
/// </summary>
/// <param name="Definition">The definition.</param>
/// <param name="Version">The version.</param>
/// <param name="FileState">Eight hex digits.</param>
/// <param name="Number">From 2: the snapshot of that name is finished already.</param>
internal sealed record SnapshotId(string Definition, string Version, string FileState, int Number = 1)
{
    /// <summary>So many snapshots may have the same origin.</summary>
    public const int MostNumbers = 100;

    private const int LongestName = 80;

    /// <summary>Derives the name.</summary>
    public static SnapshotId Of(Names.ResourceName version, DiskFile file, string region, DiskFormat format)
    {
        var state = string.Create(CultureInfo.InvariantCulture, $"{region}|{format}|{file.Path}|{file.Length}|{file.Modified.Ticks}");
        return Of(version, state);
    }

    /// <summary>Derives the name from what tells the origin from others.</summary>
    public static SnapshotId Of(Names.ResourceName version, string state)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{version}|{state}"));
        return new SnapshotId(version.Parent.Id, version.Id, Convert.ToHexStringLower(digest)[..8]);
    }

    /// <summary>The name, at most 80 characters: a long definition is cut short.</summary>
    public override string ToString()
    {
        var rest =
            Number == 1 ? $"-{Version}-{FileState}" : string.Create(CultureInfo.InvariantCulture, $"-{Version}-{FileState}-{Number}");
        return $"{Definition[..Math.Min(Definition.Length, LongestName - rest.Length)]}{rest}";
    }
}
