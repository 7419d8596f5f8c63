using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;

namespace Gallery.Region.Uploads;

/// <summary>
/// Reads the file of an upload in its format and makes a content of it. Where a block of the disk is a block of the file it is taken over by its
/// digest, unread: all of a raw disk, most of a qcow2 image and a VHDX. The others are read, cut and written anew.
/// </summary>
internal sealed class UploadCommit(RegionStore store, BlockBatchPool pool, DiskSizeRules sizes)
{
    /// <summary>Makes the content. Its blocks and nodes are durable on return.</summary>
    /// <exception cref="RegionException">The file is not a disk of its format.</exception>
    public async Task<UploadedContent> RunAsync(UploadRecord upload, BlockMap map, long declared, CancellationToken cancellationToken)
    {
        var file = new StagedFile(upload.FileSize, map, store.Blocks);
        var layout = await new DiskFormatReader(sizes).OpenAsync(file, upload.Format, cancellationToken);
        await using var writer = new NodeWriter(store.Blocks, pool);
        var builder = new ManifestBuilder(layout.VirtualSize, writer);
        await foreach (var block in new DiskBlocks(file, layout).ReadAsync(nameFileBlocks: true, cancellationToken))
        {
            var digest = block.FileBlock >= 0 ? file.DigestOf(block.FileBlock) : BlockDigest.Of(block.Bytes.Span);
            if (digest.IsHole)
            {
                continue;
            }

            if (block.FileBlock < 0)
            {
                await writer.PutAsync(digest, block.Bytes, cancellationToken);
            }

            await builder.AddAsync(block.Index, digest, cancellationToken);
        }

        var manifest = await builder.CompleteAsync(cancellationToken);
        await writer.WriteAsync(cancellationToken);
        await store.Blocks.FlushAsync(cancellationToken);
        await RequireCompleteAsync(manifest.Root, cancellationToken);
        return new UploadedContent(
            manifest.Digest.ToString(),
            manifest.Root.VirtualSize,
            manifest.Root.OccupiedSize,
            layout.Format,
            declared
        );
    }

    /// <summary>What a flush could not make durable is gone from the store, also when it was somebody else's flush.</summary>
    private async ValueTask RequireCompleteAsync(RootNode root, CancellationToken cancellationToken)
    {
        var missing = await ContentTransfer.MissingBytesAsync(store, root, cancellationToken);
        if (missing > 0)
        {
            throw new RegionException(
                ErrorReason.UploadIncomplete,
                $"{missing} bytes were lost while the upload was being committed. Declare the blocks, and send those that are lacking."
            );
        }
    }
}
