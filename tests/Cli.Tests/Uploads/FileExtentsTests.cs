using FsCheck.Xunit;
using Gallery.Cli.Tests.Harness;
using Gallery.Cli.Uploads;

namespace Gallery.Cli.Tests.Uploads;

public sealed class FileExtentsTests : IDisposable
{
    private const int Block = TransferOptions.BlockSize;

    private readonly string folder = Directory.CreateTempSubdirectory("gallery-extents-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Holes_are_left_out_and_stretches_are_whole_blocks()
    {
        var extents = Extents(64 * Block, (5 * Block + 100, 10), (20 * Block, 3 * Block), (63 * Block + 5, 1));
        Assert.Equal([new Extent(5 * Block, Block), new Extent(20 * Block, 3 * Block), new Extent(63 * Block, Block)], extents);
    }

    [Fact]
    public void The_last_block_ends_with_the_file() =>
        Assert.Equal([new Extent(2 * Block, 512)], Extents(2 * Block + 512, (2 * Block, 512)));

    [Fact]
    public void A_file_that_is_all_hole_has_none() => Assert.Empty(Extents(1L << 30));

    [Fact]
    public void Stretches_in_the_same_block_are_one() =>
        Assert.Equal([new Extent(0, Block)], Extents(8 * Block, (0, 1), (Block - 4096, 4096)));

    [Property(MaxTest = 200)]
    public void Batches_hold_every_byte_once_and_never_more_blocks_than_fit(ushort[] lengths, byte blocks)
    {
        var size = (blocks % 20) + 1;
        var extents = new List<Extent>();
        var at = 0L;
        foreach (var length in lengths)
        {
            at += Block * (length % 7);
            extents.Add(new Extent(at, (length % 50 * Block) + (length % 2 == 0 ? Block : 512)));
            at = (extents[^1].End + Block - 1) / Block * Block;
        }

        var batches = Batch.Cut(extents, size).ToList();
        Assert.Equal(extents.Sum(extent => extent.Length), batches.Sum(batch => batch.Length));
        Assert.All(batches, batch => Assert.True(batch.Extents.Sum(extent => (extent.Length + Block - 1) / Block) <= size));
        Assert.All(batches.SelectMany(batch => batch.Extents), extent => Assert.Equal(0, extent.Offset % Block));
        Assert.Equal(
            extents.SelectMany(extent =>
                Enumerable.Range(0, (int)((extent.Length + Block - 1) / Block)).Select(i => extent.Offset + (i * (long)Block))
            ),
            batches
                .SelectMany(batch => batch.Extents)
                .SelectMany(extent =>
                    Enumerable.Range(0, (int)((extent.Length + Block - 1) / Block)).Select(i => extent.Offset + (i * (long)Block))
                )
        );
    }

    [Fact]
    public void The_occupied_size_counts_blocks_that_are_not_all_zero()
    {
        var path = Path.Combine(folder, "disk");
        SparseFile.Create(path, 10 * Block + 512, seed: 1, (Block, 1), (3 * Block, Block), (10 * Block, 512));
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.Write(file, new byte[2 * Block], 6 * Block); // data, and all zero
        }

        using var disk = DiskFile.Open(path);
        Assert.Equal(2 * Block + 512, OccupiedSize.Of(disk, CancellationToken.None));
    }

    [Fact]
    public void A_snapshots_name_is_the_same_for_the_same_file_and_never_too_long()
    {
        var path = Path.Combine(folder, "disk");
        SparseFile.Create(path, 512, seed: 1);
        var version = Gallery.Cli.Names.ResourceName.TryParse(
            $"subscriptions/s/resourceGroups/g/galleries/p/images/{new string('a', 80)}/versions/1.0.0"
        )!;
        string first,
            again;
        using (var disk = DiskFile.Open(path))
        {
            first = SnapshotId.Of(version, disk, "westus", default).ToString();
            again = SnapshotId.Of(version, disk, "westus", default).ToString();
            Assert.NotEqual(first, SnapshotId.Of(version, disk, "eastus", default).ToString());
            Assert.EndsWith(
                "-2",
                (SnapshotId.Of(version, disk, "westus", default) with { Number = 2 }).ToString(),
                StringComparison.Ordinal
            );
        }

        Assert.Equal(first, again);
        Assert.Equal(80, first.Length);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        using var changed = DiskFile.Open(path);
        Assert.NotEqual(first, SnapshotId.Of(version, changed, "westus", default).ToString());
    }

    private List<Extent> Extents(long length, params ReadOnlySpan<(long Offset, int Length)> stretches)
    {
        var path = Path.Combine(folder, "sparse");
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, length);
            foreach (var (offset, size) in stretches)
            {
                RandomAccess.Write(file, Enumerable.Repeat((byte)1, size).ToArray(), offset);
            }
        }

        using var handle = File.OpenHandle(path);
        return FileExtents.WithData(handle, length, Block).ToList();
    }
}
