using Gallery.Region.Errors;
using Gallery.Region.Stores.Records;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

public sealed class RecordTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_record_is_read_as_it_was_written_last()
    {
        var records = new RecordFolder(_folder.Path);
        await records.PutAsync("replicas", "a.b-c", "one"u8.ToArray(), default);
        await records.PutAsync("replicas", "a.b-c", "two\nlines"u8.ToArray(), default);
        await records.PutAsync("replicas", "..", "dots"u8.ToArray(), default);
        Assert.Equal("two\nlines"u8.ToArray(), await records.TryGetAsync("replicas", "a.b-c", default));
        Assert.Equal(["..", "a.b-c"], (await records.ListAsync("replicas", default)).Order());
        await records.DeleteAsync("replicas", "a.b-c", default);
        await records.DeleteAsync("replicas", "a.b-c", default);
        Assert.Null(await records.TryGetAsync("replicas", "a.b-c", default));
        Assert.Empty(await records.ListAsync("uploads", default));
    }

    [Fact]
    public async Task A_damaged_record_is_not_believed_and_read_from_another_zone()
    {
        var zones = new[] { new RecordFolder(_folder["1"]), new RecordFolder(_folder["2"]) };
        var mirrored = new MirroredRecords(zones);
        await mirrored.PutAsync("replicas", "r", "sound"u8.ToArray(), default);
        var path = Directory.EnumerateFiles(_folder["1"], "*", SearchOption.AllDirectories).Single();
        File.WriteAllBytes(path, [.. File.ReadAllBytes(path)[..^1], (byte)'x']);
        await Assert.ThrowsAsync<BlockCorruptException>(async () => await zones[0].TryGetAsync("replicas", "r", default));
        Assert.Equal("sound"u8.ToArray(), await mirrored.TryGetAsync("replicas", "r", default));
        Directory.Delete(_folder["1"], recursive: true);
        Assert.Equal("sound"u8.ToArray(), await mirrored.TryGetAsync("replicas", "r", default));
        Assert.Equal(["r"], await mirrored.ListAsync("replicas", default));
    }
}
