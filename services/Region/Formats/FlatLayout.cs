using System.Runtime.CompilerServices;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Formats;

/// <summary>A disk that is the first bytes of its file: raw, and a fixed VHD.</summary>
internal sealed class FlatLayout(IRandomAccessFile file, DiskFormat format, long virtualSize) : IDiskLayout
{
    /// <inheritdoc/>
    public DiskFormat Format => format;

    /// <inheritdoc/>
    public long VirtualSize => virtualSize;

    /// <inheritdoc/>
    public async IAsyncEnumerable<DiskRun> RunsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var at = 0L; at < virtualSize; )
        {
            var run = await file.NextDataAsync(at, cancellationToken);
            var end = Math.Min(run.End, virtualSize);
            if (run.Length == 0 || run.Offset >= end)
            {
                yield break;
            }

            yield return DiskRun.Plain(run.Offset, end - run.Offset, run.Offset);
            at = end;
        }
    }
}
