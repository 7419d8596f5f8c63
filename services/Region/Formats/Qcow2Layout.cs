using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>
/// A qcow2 image: a first-level table names second-level tables, which name the clusters of the disk. Snapshots inside the image are not looked
/// at: the disk is what a machine would see.
/// </summary>
internal sealed class Qcow2Layout(IRandomAccessFile file, Qcow2Header header) : IDiskLayout
{
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    private const ulong CompressedFlag = 1UL << 62;
    private const ulong ZeroFlag = 1;

    /// <summary>The most that deflate can do.</summary>
    private const int LargestRatio = 1032;

    /// <summary>Bytes of the shortest frame of Zstandard that holds anything.</summary>
    private const int ShortestFrame = 8;

    /// <inheritdoc/>
    public DiskFormat Format => DiskFormat.Qcow2;

    /// <inheritdoc/>
    public long VirtualSize => header.Size;

    /// <summary>Reads the header.</summary>
    /// <exception cref="InvalidDiskFormatException">It is damaged, or the image needs something besides itself.</exception>
    public static async ValueTask<Qcow2Layout> OpenAsync(IRandomAccessFile file, CancellationToken cancellationToken)
    {
        var bytes = new byte[Qcow2Header.MaxSize];
        await file.ReadPaddedAsync(0, bytes, cancellationToken);
        return new Qcow2Layout(file, Qcow2Header.Parse(bytes, file.Length));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<DiskRun> RunsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var budget = new FileBudget(file.Length);
        var l1 = new TableReader(file, header.L1Offset, header.L1Count, Qcow2Header.EntrySize);
        var l2 = new byte[header.ClusterSize];
        DiskRun pending = default;
        for (var index = 0L; index < header.L1Count; index++)
        {
            var offset = (long)(BinaryPrimitives.ReadUInt64BigEndian((await l1.ReadAsync(index, cancellationToken)).Span) & OffsetMask);
            if (offset == 0)
            {
                continue;
            }

            RequireWithin(offset, header.ClusterSize, index * header.BytesPerL2, "table");
            budget.Take(header.ClusterSize);
            await file.ReadPaddedAsync(offset, l2, cancellationToken);
            for (var i = 0; i < header.L2Entries; i++)
            {
                var run = RunOf(BinaryPrimitives.ReadUInt64BigEndian(l2.AsSpan(i * Qcow2Header.EntrySize)), index, i);
                if (run.Length == 0)
                {
                    continue;
                }

                budget.Take(LeastStored(run));
                if (!TryJoin(ref pending, run))
                {
                    if (pending.Length > 0)
                    {
                        yield return pending;
                    }

                    pending = run;
                }
            }
        }

        if (pending.Length > 0)
        {
            yield return pending;
        }
    }

    private static bool TryJoin(ref DiskRun pending, in DiskRun run)
    {
        var follows =
            run.Encoding == RunEncoding.Plain
            && pending.Length > 0
            && pending.Encoding == RunEncoding.Plain
            && pending.DiskOffset + pending.Length == run.DiskOffset
            && pending.FileOffset + pending.Length == run.FileOffset;
        if (follows)
        {
            pending = DiskRun.Plain(pending.DiskOffset, pending.Length + run.Length, pending.FileOffset);
        }

        return follows;
    }

    /// <summary>The run of a cluster; one of length 0 when the cluster is zero or lies behind the end of the disk.</summary>
    private DiskRun RunOf(ulong entry, long table, int index)
    {
        var diskOffset = (table * header.BytesPerL2) + ((long)index << header.ClusterBits);
        var length = Math.Min(header.ClusterSize, header.Size - diskOffset);
        if (length <= 0)
        {
            return default;
        }

        if ((entry & CompressedFlag) != 0)
        {
            return Compressed(entry, diskOffset, length);
        }

        var offset = (long)(entry & OffsetMask);
        if (offset == 0 || (header.HasZeroFlag && (entry & ZeroFlag) != 0))
        {
            return default;
        }

        // The last cluster of a file need not be there to its end; what is not there is zero.
        RequireWithin(offset, 1, diskOffset, "cluster");
        return DiskRun.Plain(diskOffset, Math.Min(length, file.Length - offset), offset);
    }

    /// <summary>
    /// Bytes of the file that a run has for itself. The length of a compressed one is told in sectors, the last of which it may share with its
    /// neighbour.
    /// </summary>
    private static long LeastStored(in DiskRun run) =>
        run.Encoding switch
        {
            RunEncoding.Plain => run.StoredLength,
            RunEncoding.Deflate => Math.Max(run.Length / LargestRatio, run.StoredLength - BlockLayout.SectorSize + 1),
            _ => Math.Max(ShortestFrame, run.StoredLength - BlockLayout.SectorSize + 1),
        };

    private DiskRun Compressed(ulong entry, long diskOffset, long length)
    {
        var offsetBits = 62 - (header.ClusterBits - 8);
        var offset = (long)(entry & ((1UL << offsetBits) - 1));
        var sectors = (long)((entry & (CompressedFlag - 1)) >> offsetBits) + 1;
        if (offset == 0 || offset >= file.Length)
        {
            throw Outside(offset, diskOffset, "compressed cluster");
        }

        var stored = Math.Min((sectors * BlockLayout.SectorSize) - (offset % BlockLayout.SectorSize), file.Length - offset);
        return new DiskRun(diskOffset, length, offset, stored, header.Compression);
    }

    private void RequireWithin(long offset, int length, long diskOffset, string what)
    {
        if (offset % header.ClusterSize != 0 || offset > file.Length - length)
        {
            throw Outside(offset, diskOffset, what);
        }
    }

    private InvalidDiskFormatException Outside(long offset, long diskOffset, string what) =>
        new(
            $"The qcow2 image names offset {offset} for the {what} of the disk's byte {diskOffset}; that does not fit a file of {file.Length} bytes in clusters of {header.ClusterSize}."
        );
}
