using System.Globalization;
using System.Text.RegularExpressions;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>What a snapshot may be. Pure.</summary>
internal static partial class SnapshotRules
{
    /// <summary>Sectors are what disks are counted in; a fixed VHD ends with a footer of one.</summary>
    public const int SectorBytes = 512;

    private const long LeastContainerRoom = 64 << 20;
    private const int MostTags = 50;
    private const int LongestTagKey = 512;
    private const int LongestTagValue = 256;

    /// <summary>Refuses a request whose values can't be right, naming all that are wrong.</summary>
    public static void Check(V1.CreateSnapshotRequest request)
    {
        var violations = new Violations()
            .AddIf(
                !SnapshotId().IsMatch(request.SnapshotId),
                "snapshot_id",
                "Must be 1 to 80 of A-Z a-z 0-9 . _ - and begin and end with a letter or digit."
            )
            .AddIf(
                request.ImportSource is null && request.FileSizeBytes < SectorBytes,
                "file_size_bytes",
                $"Must be at least {SectorBytes}: the length of the file in bytes."
            )
            .AddIf(!Enum.IsDefined(request.Format), "format", "Must be one of the formats of DiskFormat, or not set.")
            .AddIf(request.Tags.Count > MostTags, "tags", $"Must be at most {MostTags}.");
        foreach (var (key, value) in request.Tags)
        {
            violations
                .AddIf(key.Length is 0 or > LongestTagKey, "tags", $"A key must be 1 to {LongestTagKey} characters long.")
                .AddIf(
                    value.Length > LongestTagValue,
                    "tags",
                    $"The value of '{Shorten(key)}' must be at most {LongestTagValue} characters long."
                );
        }

        violations.ThrowIfAny();
    }

    /// <summary>
    /// Refuses a file that can't become a disk, as far as its length and format tell. A file that lays a disk out in tables may end anywhere and
    /// be longer than the disk by the tables, a sixteenth at the most; so may one whose format the node finds out.
    /// </summary>
    public static void CheckSize(long fileSize, DiskFormat format, long maxDiskBytes)
    {
        var sectors = format is DiskFormat.Raw or DiskFormat.VhdFixed;
        var room = format switch
        {
            DiskFormat.Raw => 0,
            DiskFormat.VhdFixed => SectorBytes,
            _ => (maxDiskBytes / 16) + LeastContainerRoom,
        };
        if (fileSize > maxDiskBytes + room)
        {
            throw TooLarge(fileSize, maxDiskBytes);
        }

        if (sectors && fileSize % SectorBytes != 0)
        {
            throw GalleryError.Create(
                StatusCode.InvalidArgument,
                ErrorReason.InvalidDiskFormat,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A file of {fileSize} bytes is no disk: {NameOf(format)} is a multiple of {SectorBytes} bytes long."
                )
            );
        }

        if (format == DiskFormat.VhdFixed && fileSize < 2 * SectorBytes)
        {
            throw GalleryError.Create(
                StatusCode.InvalidArgument,
                ErrorReason.InvalidDiskFormat,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A file of {fileSize} bytes is no fixed VHD: that is a disk and a footer of {SectorBytes} bytes."
                )
            );
        }
    }

    /// <summary>The refusal of a disk above the limit.</summary>
    public static RpcException TooLarge(long bytes, long maxDiskBytes) =>
        GalleryError.Create(
            StatusCode.InvalidArgument,
            ErrorReason.GallerySourceResourceExceedsMaxSize,
            string.Create(CultureInfo.InvariantCulture, $"The disk has {bytes} bytes; the limit is {maxDiskBytes}."),
            new Dictionary<string, string> { ["limit"] = maxDiskBytes.ToString(CultureInfo.InvariantCulture) }
        );

    /// <summary>Whether a repeated request means the upload that is open already.</summary>
    public static bool IsSameUpload(V1.Snapshot snapshot, string region, V1.CreateSnapshotRequest request) =>
        snapshot.State == V1.SnapshotState.Uploading
        && snapshot.Region == region
        && snapshot.FileSizeBytes == request.FileSizeBytes
        && snapshot.Format == request.Format;

    /// <summary>Whether the node's answer means that the file will never become a disk, so that nothing of it is to be kept.</summary>
    public static bool IsHopeless(ErrorReason reason) =>
        reason is ErrorReason.InvalidDiskFormat or ErrorReason.GallerySourceResourceExceedsMaxSize;

    private static string NameOf(DiskFormat format) => format == DiskFormat.VhdFixed ? "a fixed VHD" : "a raw disk";

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";

    [GeneratedRegex("^[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9])?$")]
    private static partial Regex SnapshotId();
}
