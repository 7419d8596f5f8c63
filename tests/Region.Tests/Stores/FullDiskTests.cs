using System.Diagnostics;
using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Records;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>A disk that is really full: a small one in memory, mounted for the test. Where mounting is not allowed nothing is tested.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly BlockBatchPool _pool = new();
    private readonly bool _mounted;

    public FullDiskTests() => _mounted = Run("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", _folder.Path);

    public void Dispose()
    {
        if (_mounted)
        {
            Run("umount", "-l", _folder.Path);
        }

        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_write_that_does_not_fit_leaves_nothing_and_the_store_goes_on()
    {
        if (!_mounted)
        {
            return;
        }

        var blocks = Enumerable.Range(0, 60).Select(i => TestBlocks.Bytes(i)).ToArray();
        await using (var store = SegmentStore.Open(_folder["segments"], new CapacityBudget()))
        {
            await store.WriteAsync(_pool, blocks[..20]);
            var used = store.UsedBytes;
            await Assert.ThrowsAsync<StorageExhaustedException>(() => store.WriteAsync(_pool, blocks[20..]));
            Assert.Equal(used, store.UsedBytes);
            Assert.Equal(used, new FileInfo(Directory.EnumerateFiles(_folder["segments"]).Single()).Length);
            Assert.False(store.Holds(TestBlocks.Ref(blocks[25]).Digest));
            await store.FlushAsync(default);

            // What fits still fits.
            await store.WriteAsync(_pool, blocks[20..22]);
            await store.FlushAsync(default);
        }

        await using var again = SegmentStore.Open(_folder["segments"], new CapacityBudget());
        Assert.Equal(22, again.BlockCount);
        Assert.Equal(blocks[21], await again.ReadAsync(TestBlocks.Ref(blocks[21])));
    }

    [Fact]
    public async Task A_record_that_does_not_fit_leaves_the_old_one()
    {
        if (!_mounted)
        {
            return;
        }

        var records = new RecordFolder(_folder.Path);
        await records.PutAsync("replicas", "r", "old"u8.ToArray(), default);
        await Assert.ThrowsAsync<StorageExhaustedException>(async () =>
            await records.PutAsync("replicas", "r", new byte[8 << 20], default)
        );
        Assert.Equal("old"u8.ToArray(), await records.TryGetAsync("replicas", "r", default));
        Assert.Equal(["r"], await records.ListAsync("replicas", default));
        Assert.Single(Directory.EnumerateFiles(_folder["replicas"]));
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
            using var process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
