using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;

namespace Gallery.Region.Uploads;

/// <summary>Reads the file of an upload in its format and makes a content of it: the disk's blocks are the file's, but for a last one that a footer cuts.</summary>
internal sealed class UploadCommit(RegionStore store, BlockBatchPool pool, DiskSizeRules sizes)
{
    /// <summary>Makes the content. Its nodes are durable on return.</summary>
    /// <exception cref="RegionException">The file is not a disk of its format.</exception>
    public async Task<UploadedContent> RunAsync(UploadRecord upload, BlockMap map, long declared, CancellationToken cancellationToken)
    {
        var file = new StagedFile(upload.FileSize, map, store.Blocks);
        var disk = await new DiskFormatReader(sizes).ReadAsync(file, upload.Format, cancellationToken);
        await using var writer = new NodeWriter(store.Blocks, pool);
        var builder = new ManifestBuilder(disk.VirtualSize, writer);
        var last = BlockLayout.CountOf(disk.VirtualSize) - 1;
        foreach (var (index, digest) in map.Declared())
        {
            var length = BlockLayout.LengthOf(index, upload.FileSize);
            if (index < last || (index == last && length == BlockLayout.LengthOf(last, disk.VirtualSize)))
            {
                await builder.AddAsync(index, digest, cancellationToken);
            }
            else if (index == last)
            {
                await AddTailAsync(file, disk, builder, writer, cancellationToken);
            }
        }

        var manifest = await builder.CompleteAsync(cancellationToken);
        await writer.WriteAsync(cancellationToken);
        await store.Blocks.FlushAsync(cancellationToken);
        return new UploadedContent(
            manifest.Digest.ToString(),
            manifest.Root.VirtualSize,
            manifest.Root.OccupiedSize,
            disk.Format,
            declared
        );
    }

    /// <summary>The file's block holds the end of the disk and what follows it: cut there, it is another block.</summary>
    private static async ValueTask AddTailAsync(
        StagedFile file,
        DiskFile disk,
        ManifestBuilder builder,
        NodeWriter writer,
        CancellationToken cancellationToken
    )
    {
        var last = BlockLayout.CountOf(disk.VirtualSize) - 1;
        var bytes = new byte[BlockLayout.LengthOf(last, disk.VirtualSize)];
        await file.ReadAsync(last * BlockLayout.BlockSize, bytes, cancellationToken);
        if (!BlockLayout.IsZero(bytes))
        {
            var digest = BlockDigest.Of(bytes);
            await writer.PutAsync(digest, bytes, cancellationToken);
            await builder.AddAsync(last, digest, cancellationToken);
        }
    }
}
