using Gallery.TestKit.Suite;

namespace Gallery.EndToEnd;

/// <summary>What the other tests compare disks with. Holes are passed over, and nothing else.</summary>
public sealed class DiskImageTests : IDisposable
{
    private const long Size = 256L << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory("gallery-disk-").FullName;

    [Fact]
    public void Equal_disks_are_equal_wherever_their_holes_are()
    {
        var left = Create("left", Size, (5 << 20, 1), (Size - 1, 2));
        var right = Create("right", Size, (0, 0), (5 << 20, 1), (200 << 20, 0), (Size - 1, 2));
        Assert.Null(DiskImage.FirstDifference(left, right));
        Assert.Equal([80, (Size / DiskImage.BlockSize) - 1], DiskImage.OccupiedBlocks(right));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((100 << 20) + 4711)]
    [InlineData(Size - 1)]
    public void A_byte_that_stands_in_a_hole_of_the_other_is_found(long at)
    {
        var (full, empty) = (Create("full", Size, (at, 1)), Create("empty", Size));
        Assert.Equal(at, DiskImage.FirstDifference(full, empty));
        Assert.Equal(at, DiskImage.FirstDifference(empty, full));
    }

    [Fact]
    public void A_disk_that_is_longer_by_a_hole_is_another_disk() =>
        Assert.Equal(Size, DiskImage.FirstDifference(Create("short", Size), Create("long", Size + 1)));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Create(string name, long size, params (long At, byte Value)[] bytes)
    {
        var path = Path.Combine(_folder, name);
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.SetLength(file, size);
        foreach (var (at, value) in bytes)
        {
            RandomAccess.Write(file, [value], at);
        }

        return path;
    }
}
