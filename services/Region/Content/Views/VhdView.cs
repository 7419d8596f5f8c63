using System.Runtime.CompilerServices;
using Gallery.Region.Blocks;
using Gallery.Region.Formats;

namespace Gallery.Region.Content.Views;

/// <summary>A disk as a fixed VHD: the disk to the byte, without rounding, and a footer.</summary>
internal sealed class VhdView(DiskReader disk, BlockDigest content) : IDiskView
{
    /// <inheritdoc/>
    public long Length => disk.Length + VhdFooter.Size;

    /// <inheritdoc/>
    public async IAsyncEnumerable<DiskPiece> ReadAsync(
        long offset,
        long length,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var end = offset + length;
        if (offset < disk.Length)
        {
            await foreach (var piece in disk.ReadAsync(offset, Math.Min(end, disk.Length) - offset, cancellationToken))
            {
                yield return piece;
            }
        }

        if (end > disk.Length)
        {
            var footer = VhdFooter.ForFixed(disk.Length, content.ToArray());
            var first = (int)Math.Max(0, offset - disk.Length);
            yield return new DiskPiece(disk.Length + first, footer.AsMemory(first, (int)(end - disk.Length) - first), 0);
        }
    }
}
