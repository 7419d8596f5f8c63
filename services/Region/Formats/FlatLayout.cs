using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Formats;

/// <summary>A disk that is the first bytes of its file: raw, and a fixed VHD.</summary>
internal sealed class FlatLayout(DiskFormat format, long virtualSize) : IDiskLayout
{
    /// <inheritdoc/>
    public DiskFormat Format => format;

    /// <inheritdoc/>
    public long VirtualSize => virtualSize;

    /// <inheritdoc/>
    public IAsyncEnumerable<DiskRun> RunsAsync(CancellationToken cancellationToken) =>
        new[] { DiskRun.Plain(0, virtualSize, 0) }.ToAsyncEnumerable();
}
