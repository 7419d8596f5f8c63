using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Formats;

/// <summary>A file, read in its format. In the formats read so far the disk is the file's first bytes.</summary>
/// <param name="Format">The format it was read in.</param>
/// <param name="VirtualSize">Bytes of the disk, a multiple of 512.</param>
internal sealed record DiskFile(DiskFormat Format, long VirtualSize);
