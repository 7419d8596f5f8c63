using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Formats;

namespace Gallery.Region.Tests.Formats;

/// <summary>Nothing that a file says makes its reader crash, hang, or take more memory than it should.</summary>
public sealed class HostileImageTests
{
    private const int Cases = 100_000;
    private const long MostAllocated = 12 << 20;
    private static readonly DiskFormatReader Reader = new(new DiskSizeRules(1L << 40));

    public static TheoryData<string, string> Images =>
        new()
        {
            { "vpc", "-o subformat=fixed,force_size=on" },
            { "vpc", "-o force_size=on" },
            { "vhdx", "-o block_size=1M" },
            { "qcow2", "-o compat=0.10" },
            { "qcow2", "-o cluster_size=4k" },
            { "qcow2", "-c" },
            { "qcow2", "-c -o compression_type=zstd" },
        };

    [Theory]
    [MemberData(nameof(Images))]
    public async Task Changed_headers_are_refused_or_read(string format, string options)
    {
        var image = await FuzzImage.MakeAsync(format, options);
        var random = new Random(format.Length + options.Length);
        var (read, refused) = (0, 0);
        // Once before, so that what is allocated but once does not count.
        Assert.Null(Read(new PatchedFile(image.Bytes)));
        for (var i = 0; i < (Cases / Images.Count) + 1; i++)
        {
            var file = Change(image, random, out var what);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var failure = Read(file);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MostAllocated, $"{allocated} bytes were allocated for case {i}: {what}");
            Assert.True(file.ReadBytes < (3L * image.Bytes.Length) + (1 << 20), $"{file.ReadBytes} bytes were read in case {i}: {what}");
            (read, refused) = failure is null ? (read + 1, refused) : (read, refused + 1);
            Assert.True(
                failure
                    is null
                        or RegionException { Reason: ErrorReason.InvalidDiskFormat or ErrorReason.GallerySourceResourceExceedsMaxSize },
                $"Case {i}, {what}: {failure}"
            );
        }

        Assert.True(read > 0 && refused > 0, $"{read} files were read and {refused} refused.");
    }

    [Fact]
    public async Task Clusters_that_are_used_twice_are_refused()
    {
        var image = await FuzzImage.MakeAsync("qcow2", "-o cluster_size=4k");
        var (l2, cluster) = (image.Structures[2].Offset, image.Structures[3].Offset);
        var file = new PatchedFile(image.Bytes);
        file.Patch(24, 4096UL * 512, littleEndian: false);
        for (var i = 0; i < 512; i++)
        {
            file.Patch(l2 + (8 * i), (ulong)cluster, littleEndian: false);
        }

        Assert.Contains("overlap", Read(file)!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_that_are_used_twice_are_refused()
    {
        var image = await FuzzImage.MakeAsync("qcow2", "-o cluster_size=4k");
        var (l1, l2) = (image.Structures[1].Offset, image.Structures[2].Offset);
        var file = new PatchedFile(image.Bytes);
        file.Patch(24, 512UL * 512 * 4096, littleEndian: false);
        file.Patch(36, 512u, littleEndian: false);
        for (var i = 0; i < 512; i++)
        {
            file.Patch(l1 + (8 * i), (ulong)l2, littleEndian: false);
        }

        Assert.Contains("overlap", Read(file)!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, 2u, "encrypted")]
    [InlineData(76, 2u, "marked as corrupt")]
    [InlineData(76, 1u << 5, "features that are not known")]
    [InlineData(104, 1u << 24, "contradicts itself")]
    public async Task A_qcow2_image_that_can_not_be_read_is_refused_and_told_why(long offset, uint value, string says)
    {
        var image = await FuzzImage.MakeAsync("qcow2", "");
        var file = new PatchedFile(image.Bytes);
        file.Patch(offset, value, littleEndian: false);
        Assert.Contains(says, Read(file)!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_vhdx_that_was_not_closed_is_refused()
    {
        var image = await FuzzImage.MakeAsync("vhdx", "-o block_size=1M");
        var file = new PatchedFile(image.Bytes);
        file.Patch((64 << 10) + 48, 7);
        file.Patch((128 << 10) + 48, 7);
        image.FixChecksums(file);
        Assert.Contains("not closed properly", Read(file)!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_vhd_or_vhdx_with_a_parent_is_refused()
    {
        var vhdx = await FuzzImage.MakeAsync("vhdx", "-o block_size=1M");
        var file = new PatchedFile(vhdx.Bytes);
        file.Patch(vhdx.Structures[5].Offset + 4, 2);
        Assert.Contains("parent", Read(file)!.Message, StringComparison.Ordinal);
        var vhd = await FuzzImage.MakeAsync("vpc", "-o force_size=on");
        file = new PatchedFile(vhd.Bytes);
        file.Patch(63, 4);
        file.Patch(vhd.Bytes.Length - 512 + 63, 4);
        vhd.FixChecksums(file);
        Assert.Contains("parent", Read(file)!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dynamic_vhd_is_read_by_the_copy_of_its_footer_when_the_end_is_lost()
    {
        var vhd = await FuzzImage.MakeAsync("vpc", "-o force_size=on");
        var file = new PatchedFile(vhd.Bytes);
        file.Patch(vhd.Bytes.Length - 512, 0);
        Assert.Null(Read(file));
    }

    /// <summary>Reads a file to its end. All of it happens on this thread, as nothing waits.</summary>
    /// <returns>Why it was refused; null when it was not.</returns>
    private static Exception? Read(PatchedFile file)
    {
        try
        {
            var reading = ReadAsync(file);
            Assert.True(reading.IsCompleted);
            reading.GetAwaiter().GetResult();
            return null;
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            return exception;
        }
    }

    private static async Task ReadAsync(PatchedFile file)
    {
        var layout = await Reader.OpenAsync(file, DiskFormat.Unspecified, default);
        var last = -1L;
        await foreach (var block in new DiskBlocks(file, layout).ReadAsync(nameFileBlocks: false, default))
        {
            Assert.InRange(block.Index, last + 1, BlockLayout.CountOf(layout.VirtualSize) - 1);
            last = block.Index;
        }
    }

    private static PatchedFile Change(FuzzImage image, Random random, out string what)
    {
        var file = new PatchedFile(image.Bytes);
        what = "";
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var (offset, length) = image.Structures[random.Next(image.Structures.Length)];
            switch (random.Next(5))
            {
                case 0:
                    offset += random.Next(length);
                    file.Patch(offset, (byte)(file.Peek(offset, 1)[0] ^ (1 << random.Next(8))));
                    break;
                case 1:
                    offset += random.Next(length);
                    file.Patch(offset, (byte)random.Next(256));
                    break;
                case 2:
                    offset += random.Next(length / 4) * 4;
                    file.Patch(offset, (uint)Number(random, image.Bytes.Length), image.LittleEndian);
                    break;
                case 3:
                    offset += random.Next(length / 8) * 8;
                    file.Patch(offset, Number(random, image.Bytes.Length), image.LittleEndian);
                    break;
                default:
                    file.Cut(random.Next(4) == 0 ? random.Next(image.Bytes.Length) : image.Bytes.Length);
                    break;
            }

            what += $"{offset} ";
        }

        if (random.Next(4) > 0)
        {
            image.FixChecksums(file);
        }

        return file;
    }

    /// <summary>A number that is likely to be wrong in an interesting way.</summary>
    private static ulong Number(Random random, long fileLength) =>
        random.Next(8) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => (ulong)random.NextInt64(),
            3 => 1UL << random.Next(64),
            4 => (1UL << random.Next(64)) - 1,
            5 => (ulong)(fileLength + random.Next(-1024, 1024)),
            6 => (ulong)random.NextInt64(fileLength) & ~0x1ffUL,
            _ => (ulong)random.Next(256),
        };
}
