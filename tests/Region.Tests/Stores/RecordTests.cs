using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Records;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Stores.Zones;
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

    [Fact]
    public async Task A_zone_that_missed_changes_is_not_believed_and_catches_up()
    {
        var folders = Enumerable
            .Range(1, 3)
            .Select(zone => new ZoneFolder(_folder.Path, zone, folder => SegmentStore.Open(folder, new CapacityBudget())))
            .ToArray();
        Assert.All(folders, folder => Assert.Empty(folder.Check()));
        var zones = Array.ConvertAll(folders, folder => new ZoneRecords(folder, new RecordFolder(Path.Combine(folder.Path, "zrs-000"))));
        Array.ForEach(folders, folder => Directory.CreateDirectory(Path.Combine(folder.Path, "zrs-000")));
        var records = new MirroredRecords(zones);
        await records.PutAsync("replicas", "r", "one"u8.ToArray(), default);
        await records.PutAsync("replicas", "gone", "one"u8.ToArray(), default);

        Directory.Move(folders[0].Path, _folder["away"]);
        Assert.Contains("missing", folders[0].Check(), StringComparison.Ordinal);
        await records.PutAsync("replicas", "r", "two"u8.ToArray(), default);
        await records.PutAsync("replicas", "new", "one"u8.ToArray(), default);
        await Assert.ThrowsAsync<RegionException>(async () => await records.DeleteAsync("replicas", "gone", default));
        Assert.Equal("one"u8.ToArray(), await zones[1].TryGetAsync("replicas", "gone", default) is { } kept ? kept[^3..] : null);
        Assert.False(Directory.Exists(folders[0].Path));

        // Two of three zones are too few.
        Directory.Move(folders[1].Path, _folder["away too"]);
        folders[1].Check();
        await Assert.ThrowsAsync<RegionException>(async () => await records.PutAsync("replicas", "r", "three"u8.ToArray(), default));
        Directory.Move(_folder["away too"], folders[1].Path);
        Assert.Empty(folders[1].Check());

        Directory.Move(_folder["away"], folders[0].Path);
        Assert.Empty(folders[0].Check());
        Assert.InRange(await records.CatchUpAsync("replicas", default), 2, 4);
        Assert.Equal(0, await records.CatchUpAsync("replicas", default));
        var alone = new MirroredRecords([zones[0]]);
        Assert.NotEqual("one"u8.ToArray(), await alone.TryGetAsync("replicas", "r", default));
        Assert.Equal("one"u8.ToArray(), await alone.TryGetAsync("replicas", "new", default));
        await records.DeleteAsync("replicas", "gone", default);
        Assert.Equal(["new", "r"], (await records.ListAsync("replicas", default)).Order());
    }

    [Fact]
    public async Task A_record_from_before_changes_were_counted_is_read_and_replaced()
    {
        var zones = new[] { new RecordFolder(_folder["1"]), new RecordFolder(_folder["2"]) };
        await zones[0].PutAsync("replicas", "r", "{}"u8.ToArray(), default);
        await zones[1].PutAsync("replicas", "r", "{}"u8.ToArray(), default);
        var records = new MirroredRecords(zones);
        Assert.Equal("{}"u8.ToArray(), await records.TryGetAsync("replicas", "r", default));
        await records.PutAsync("replicas", "r", "{1}"u8.ToArray(), default);
        Assert.Equal("{1}"u8.ToArray(), await records.TryGetAsync("replicas", "r", default));
    }
}
