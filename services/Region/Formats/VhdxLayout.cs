using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Formats;

/// <summary>A VHDX, fixed or dynamic: a table names the state of each block of the disk and where it stands.</summary>
internal sealed class VhdxLayout(IRandomAccessFile file, FileRun table, VhdxMetadata metadata) : IDiskLayout
{
    private const int EntrySize = sizeof(ulong);
    private const int StateMask = 7;
    private const int Present = 6;
    private const int PartlyPresent = 7;

    /// <inheritdoc/>
    public DiskFormat Format => DiskFormat.Vhdx;

    /// <inheritdoc/>
    public long VirtualSize => metadata.VirtualSize;

    /// <summary>Reads the headers and metadata.</summary>
    /// <exception cref="InvalidDiskFormatException">They are damaged, or the file needs something besides itself.</exception>
    public static async ValueTask<VhdxLayout> OpenAsync(IRandomAccessFile file, CancellationToken cancellationToken)
    {
        var header = await VhdxHeader.ReadAsync(file, cancellationToken);
        var metadata = await VhdxMetadata.ReadAsync(file, header.Metadata, cancellationToken);
        var entries = EntryOf(metadata.BlockCount - 1, metadata) + 1;
        return entries <= header.Table.Length / EntrySize
            ? new VhdxLayout(file, header.Table, metadata)
            : throw new InvalidDiskFormatException(
                $"The block table of the VHDX has {header.Table.Length} bytes; a disk of {metadata.VirtualSize} bytes needs {entries} entries of {EntrySize}."
            );
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<DiskRun> RunsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var entries = new TableReader(file, table.Offset, EntryOf(metadata.BlockCount - 1, metadata) + 1, EntrySize);
        var budget = new FileBudget(file.Length);
        for (var block = 0L; block < metadata.BlockCount; block++)
        {
            var entry = BinaryPrimitives.ReadUInt64LittleEndian(
                (await entries.ReadAsync(EntryOf(block, metadata), cancellationToken)).Span
            );
            var state = (int)(entry & StateMask);
            if (state == PartlyPresent)
            {
                throw new InvalidDiskFormatException(
                    $"Block {block} of the VHDX is partly in a parent; a file without one can't have that."
                );
            }

            // Every other state says that there is nothing: never written, zero, trimmed, or undefined.
            if (state == Present)
            {
                var run = RunOf(block, entry);
                budget.Take(run.Length);
                yield return run;
            }
        }
    }

    /// <summary>Where the entry of a block stands: behind each chunk of blocks comes the entry of a bitmap that only differencing disks use.</summary>
    private static long EntryOf(long block, VhdxMetadata metadata) => block + (block / metadata.ChunkRatio);

    private DiskRun RunOf(long block, ulong entry)
    {
        var offset = entry >> 20 << 20;
        var diskOffset = block * metadata.BlockSize;
        var length = Math.Min(metadata.BlockSize, metadata.VirtualSize - diskOffset);
        if (offset < VhdxHeader.Alignment || length > file.Length || offset > (ulong)(file.Length - length))
        {
            throw new InvalidDiskFormatException(
                $"Block {block} of the VHDX should stand at offset {offset}, {length} bytes long, and the file has {file.Length} bytes."
            );
        }

        return DiskRun.Plain(diskOffset, length, (long)offset);
    }
}
