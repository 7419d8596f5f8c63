using System.Buffers.Binary;
using Gallery.Region.Blocks;

namespace Gallery.Region.Content.Views;

/// <summary>
/// Where everything stands in a qcow2 image of a disk: header, reference counts, first-level table, second-level tables, and then the blocks that
/// are not holes in the order of the disk. A cluster is a block, every cluster is used once. Follows from the manifest alone.
/// </summary>
internal sealed class Qcow2Shape
{
    /// <summary>Bytes of a cluster.</summary>
    public const int ClusterSize = BlockLayout.BlockSize;

    /// <summary>Entries of a second-level table, and blocks of the disk that it covers: 512 MiB.</summary>
    public const int L2Entries = ClusterSize / sizeof(ulong);

    private const ulong UsedOnce = 1UL << 63;
    private const int RefcountsPerCluster = ClusterSize / sizeof(ushort);
    private const int ClusterBits = 16;
    private const int RefcountOrder = 4;
    private const int HeaderSize = 104;

    private readonly long _virtualSize;
    private readonly long[] _before;
    private readonly int[] _tablesBefore;
    private readonly long _refcountTable = 1;
    private readonly long _refcounts;
    private readonly long _l1;
    private readonly long _l2;
    private readonly long _data;

    /// <summary>Lays an image out.</summary>
    /// <param name="virtualSize">Bytes of the disk.</param>
    /// <param name="blocksPerTable">For each 512 MiB of the disk: how many of its blocks are not holes.</param>
    public Qcow2Shape(long virtualSize, ReadOnlySpan<int> blocksPerTable)
    {
        _virtualSize = virtualSize;
        _before = new long[blocksPerTable.Length + 1];
        _tablesBefore = new int[blocksPerTable.Length + 1];
        for (var i = 0; i < blocksPerTable.Length; i++)
        {
            _before[i + 1] = _before[i] + blocksPerTable[i];
            _tablesBefore[i + 1] = _tablesBefore[i] + (blocksPerTable[i] > 0 ? 1 : 0);
        }

        var l1Clusters = ClustersOf(TableCount * (long)sizeof(ulong));
        var others = 1 + l1Clusters + _tablesBefore[^1] + BlockCount;
        long refcounts = 0;
        long refcountTable = 0;
        for (var changed = true; changed; )
        {
            var clusters = others + refcounts + refcountTable;
            var needed = (clusters + RefcountsPerCluster - 1) / RefcountsPerCluster;
            changed = needed != refcounts;
            refcounts = needed;
            refcountTable = ClustersOf(refcounts * sizeof(ulong));
        }

        _refcounts = _refcountTable + refcountTable;
        _l1 = _refcounts + refcounts;
        _l2 = _l1 + l1Clusters;
        _data = _l2 + _tablesBefore[^1];
        ClusterCount = _data + BlockCount;
    }

    /// <summary>Clusters of the image.</summary>
    public long ClusterCount { get; }

    /// <summary>The first cluster that is a block of the disk; the others are <see cref="FillCluster"/>'s.</summary>
    public long FirstData => _data;

    /// <summary>Blocks of the disk that are not holes.</summary>
    public long BlockCount => _before[^1];

    private int TableCount => _before.Length - 1;

    /// <summary>The second-level table that a cluster is: which 512 MiB of the disk it covers; -1 when it is none.</summary>
    public int TableAt(long cluster)
    {
        if (cluster < _l2 || cluster >= _data)
        {
            return -1;
        }

        // The last of those with so many tables before them is the one that has a table itself.
        return UpperBound(_tablesBefore, (int)(cluster - _l2));
    }

    /// <summary>The table that covers a block, by the block's number among those that are not holes, and how many blocks come before it there.</summary>
    public (int Table, int Skip) TableOf(long block)
    {
        var table = UpperBound(_before, block);
        return (table, (int)(block - _before[table]));
    }

    /// <summary>The entry of a second-level table for one of its blocks.</summary>
    /// <param name="table">Which table.</param>
    /// <param name="number">The block's number among those of the table that are not holes.</param>
    public ulong EntryOf(int table, int number) => Entry(_data + _before[table] + number);

    /// <summary>Makes a cluster that is neither a second-level table nor a block of the disk.</summary>
    public void FillCluster(long cluster, Span<byte> bytes)
    {
        bytes.Clear();
        if (cluster == 0)
        {
            FillHeader(bytes);
        }
        else if (cluster < _refcounts)
        {
            var first = (cluster - _refcountTable) * L2Entries;
            for (var i = 0; i < L2Entries && first + i < _l1 - _refcounts; i++)
            {
                BinaryPrimitives.WriteInt64BigEndian(bytes[(i * sizeof(ulong))..], (_refcounts + first + i) * ClusterSize);
            }
        }
        else if (cluster < _l1)
        {
            var first = (cluster - _refcounts) * RefcountsPerCluster;
            for (var i = 0; i < RefcountsPerCluster && first + i < ClusterCount; i++)
            {
                BinaryPrimitives.WriteUInt16BigEndian(bytes[(i * sizeof(ushort))..], 1);
            }
        }
        else
        {
            var first = (int)(cluster - _l1) * L2Entries;
            for (var i = 0; i < L2Entries && first + i < TableCount; i++)
            {
                if (_tablesBefore[first + i + 1] > _tablesBefore[first + i])
                {
                    BinaryPrimitives.WriteUInt64BigEndian(bytes[(i * sizeof(ulong))..], Entry(_l2 + _tablesBefore[first + i]));
                }
            }
        }
    }

    private static ulong Entry(long cluster) => ((ulong)cluster * ClusterSize) | UsedOnce;

    private static long ClustersOf(long bytes) => (bytes + ClusterSize - 1) / ClusterSize;

    /// <summary>The last index whose value is at most so much.</summary>
    private static int UpperBound<T>(T[] ascending, T value)
        where T : IComparable<T>
    {
        var (low, high) = (0, ascending.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = ascending[middle].CompareTo(value) <= 0 ? (middle, high) : (low, middle - 1);
        }

        return low;
    }

    private void FillHeader(Span<byte> bytes)
    {
        "QFI"u8.CopyTo(bytes);
        bytes[3] = 0xfb;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], 3);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[20..], ClusterBits);
        BinaryPrimitives.WriteInt64BigEndian(bytes[24..], _virtualSize);
        BinaryPrimitives.WriteInt32BigEndian(bytes[36..], TableCount);
        BinaryPrimitives.WriteInt64BigEndian(bytes[40..], _l1 * ClusterSize);
        BinaryPrimitives.WriteInt64BigEndian(bytes[48..], _refcountTable * ClusterSize);
        BinaryPrimitives.WriteInt32BigEndian(bytes[56..], (int)(_refcounts - _refcountTable));
        BinaryPrimitives.WriteInt32BigEndian(bytes[96..], RefcountOrder);
        BinaryPrimitives.WriteInt32BigEndian(bytes[100..], HeaderSize);
    }
}
