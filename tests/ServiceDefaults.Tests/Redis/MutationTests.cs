using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Gallery.ServiceDefaults.Tests.Probe;
using Grpc.Core;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Tests.Redis;

[Collection("probe")]
public sealed class MutationTests(ProbeHost probe)
{
    private readonly string _subscription = Guid.NewGuid().ToString();

    private RedisStore Store => probe.Store;

    private IDatabase Database => probe.Redis.Database;

    private Partition Partition => Store.PartitionOf(_subscription);

    [Fact]
    public async Task A_record_is_written_with_its_etag_and_read_back()
    {
        var key = Key("a");
        await Store.ExecuteAsync(new RedisMutation(Partition).PutRecord(key, Text("one"), "e1"));

        var stored = await Store.ReadAsync(key, ProbeResponse.Parser);
        Assert.Equal(new Stored<ProbeResponse>(Text("one"), "e1"), stored);
        Assert.Null(await Store.ReadAsync(Key("missing"), ProbeResponse.Parser));
    }

    [Fact]
    public async Task Many_records_are_read_in_the_order_asked_for()
    {
        await Store.ExecuteAsync(new RedisMutation(Partition).PutRecord(Key("a"), Text("a"), "1").PutRecord(Key("b"), Text("b"), "2"));

        var found = await Store.ReadManyAsync([Key("b"), Key("missing"), Key("a")], ProbeResponse.Parser);
        Assert.Equal(["b", null, "a"], found.Select(record => record?.Value.Text));
    }

    public static TheoryData<string> Checks() => [.. ChecksByName.Keys];

    // Each check on a state where it fails, where it holds, and what it reports.
    private static readonly Dictionary<
        string,
        (
            Func<RedisMutation, RedisKey, Func<string, RpcException>, RedisMutation> Failing,
            Func<RedisMutation, RedisKey, Func<string, RpcException>, RedisMutation> Holding,
            string Found
        )
    > ChecksByName = new()
    {
        ["absent"] = (
            (m, k, f) => m.RequireAbsent(Sub(k, "record"), () => f("")),
            (m, k, f) => m.RequireAbsent(Sub(k, "none"), () => f("")),
            ""
        ),
        ["present"] = (
            (m, k, f) => m.RequirePresent(Sub(k, "none"), () => f("")),
            (m, k, f) => m.RequirePresent(Sub(k, "record"), () => f("")),
            ""
        ),
        ["etag"] = ((m, k, f) => m.RequireEtag(Sub(k, "record"), "old", f), (m, k, f) => m.RequireEtag(Sub(k, "record"), "e1", f), "e1"),
        ["etag of nothing"] = ((m, k, f) => m.RequireEtag(Sub(k, "none"), "e1", f), (m, k, f) => m.RequireEtag(Sub(k, "none"), "", f), ""),
        ["empty"] = ((m, k, f) => m.RequireEmpty(Sub(k, "set"), () => f("")), (m, k, f) => m.RequireEmpty(Sub(k, "none"), () => f("")), ""),
        ["count"] = ((m, k, f) => m.RequireCountBelow(Sub(k, "set"), 2, f), (m, k, f) => m.RequireCountBelow(Sub(k, "set"), 3, f), "2"),
        ["counter"] = (
            (m, k, f) => m.RequireCounterBelow(Sub(k, "hash"), "n", 5, f),
            (m, k, f) => m.RequireCounterBelow(Sub(k, "hash"), "n", 6, f),
            "5"
        ),
        ["counter by"] = (
            (m, k, f) => m.RequireCounterBelow(Sub(k, "hash"), "n", 7, f, by: 3),
            (m, k, f) => m.RequireCounterBelow(Sub(k, "hash"), "n", 8, f, by: 3),
            "5"
        ),
        ["counter of nothing"] = (
            (m, k, f) => m.RequireCounterBelow(Sub(k, "none"), "n", 0, f),
            (m, k, f) => m.RequireCounterBelow(Sub(k, "none"), "n", 1, f),
            "0"
        ),
        ["field"] = (
            (m, k, f) => m.RequireField(Sub(k, "hash"), "n", "6", f),
            (m, k, f) => m.RequireField(Sub(k, "hash"), "n", "5", f),
            "5"
        ),
        ["field of nothing"] = (
            (m, k, f) => m.RequireField(Sub(k, "none"), "n", "5", f),
            (m, k, f) => m.RequireField(Sub(k, "hash"), "n", 5, f),
            ""
        ),
        ["no field"] = (
            (m, k, f) => m.RequireFieldAbsent(Sub(k, "hash"), "n", f),
            (m, k, f) => m.RequireFieldAbsent(Sub(k, "hash"), "x", f),
            "5"
        ),
        ["member"] = (
            (m, k, f) => m.RequireMember(Sub(k, "set"), "x", () => f("")),
            (m, k, f) => m.RequireMember(Sub(k, "set"), "a", () => f("")),
            ""
        ),
        ["no member"] = (
            (m, k, f) => m.RequireNotMember(Sub(k, "set"), "a", () => f("")),
            (m, k, f) => m.RequireNotMember(Sub(k, "set"), "x", () => f("")),
            ""
        ),
    };

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task A_check_that_fails_gives_its_error_and_nothing_is_written(string name)
    {
        var root = Key("root");
        await Store.ExecuteAsync(
            new RedisMutation(Partition)
                .PutRecord(Sub(root, "record"), Text("x"), "e1")
                .AddToIndex(Sub(root, "set"), "a")
                .AddToIndex(Sub(root, "set"), "b")
                .Increment(Sub(root, "hash"), "n", 5)
        );
        var (failing, holding, found) = ChecksByName[name];
        string? reported = null;
        RpcException Fail(string what)
        {
            reported = what;
            return GalleryError.EtagMismatch("x");
        }

        var held = await Store.ExecuteAsync(holding(new RedisMutation(Partition), root, Fail).PutRecord(Key("held"), Text("x"), "1"));
        Assert.False(held.Replayed);
        Assert.Null(reported);
        Assert.True(await Database.KeyExistsAsync(Key("held")));

        var mutation = failing(new RedisMutation(Partition).PutRecord(Key("written"), Text("x"), "1"), root, Fail)
            .Increment(Sub(root, "hash"), "n", 1)
            .AppendEvent(new() { Subject = "x" });
        var error = await Assert.ThrowsAsync<RpcException>(() => Store.ExecuteAsync(mutation));
        Assert.Equal(ErrorReason.EtagMismatch, GalleryError.ReasonOf(error));
        Assert.Equal(found, reported);
        Assert.False(await Database.KeyExistsAsync(Key("written")));
        Assert.Equal(5, await Database.HashGetAsync(Sub(root, "hash"), "n"));
    }

    [Fact]
    public async Task The_first_check_that_fails_decides()
    {
        var mutation = new RedisMutation(Partition)
            .RequireAbsent(Key("none"), () => GalleryError.AlreadyExists("thing", "0"))
            .RequirePresent(Key("none"), () => GalleryError.NotFound("thing", "1"))
            .RequirePresent(Key("none"), () => GalleryError.ParentNotFound("thing", "2"));

        var error = await Assert.ThrowsAsync<RpcException>(() => Store.ExecuteAsync(mutation));
        Assert.Equal(ErrorReason.ResourceNotFound, GalleryError.ReasonOf(error));
    }

    [Fact]
    public async Task All_writes_do_what_they_say()
    {
        var (set, hash, gone, log) = (Key("set"), Key("hash"), Key("gone"), Key("log"));
        await Database.StringSetAsync(gone, "x");
        await Store.ExecuteAsync(
            new RedisMutation(Partition)
                .AddToIndex(set, "a", 3)
                .AddToIndex(set, "b")
                .AddToIndex(set, "c")
                .RemoveFromIndex(set, "b")
                .Increment(hash, "n", 7)
                .Increment(hash, "n", -2)
                .SetHashField(hash, "f", new byte[] { 0, 255, 13, 10 })
                .SetHashField(hash, "g", "x")
                .RemoveHashField(hash, "g")
                .DeleteKey(gone)
                .AppendActivity(log, Text("entry"), TimeSpan.FromDays(1))
                .Expire(set, TimeSpan.FromMinutes(5))
        );

        Assert.Equal([new SortedSetEntry("c", 0), new SortedSetEntry("a", 3)], await Database.SortedSetRangeByRankWithScoresAsync(set));
        Assert.Equal(5, await Database.HashGetAsync(hash, "n"));
        Assert.Equal([0, 255, 13, 10], (byte[])(await Database.HashGetAsync(hash, "f"))!);
        Assert.False(await Database.HashExistsAsync(hash, "g"));
        Assert.False(await Database.KeyExistsAsync(gone));
        Assert.Equal("entry", ProbeResponse.Parser.ParseFrom((byte[])(await Database.StreamRangeAsync(log)).Single()["p"]!).Text);
        Assert.InRange((await Database.KeyTimeToLiveAsync(set))!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task A_log_lets_go_of_what_is_too_old()
    {
        var log = Key("log");
        for (var i = 0; i < 300; i++)
        {
            await Database.StreamAddAsync(log, "p", "old", $"1000-{i + 1}");
        }

        await Store.ExecuteAsync(new RedisMutation(Partition).AppendActivity(log, Text("new"), TimeSpan.FromDays(1)));
        Assert.InRange(await Database.StreamLengthAsync(log), 1, 101); // Whole nodes of the stream are dropped, which hold 100 entries.
    }

    [Fact]
    public async Task Of_many_callers_at_once_only_as_many_as_the_quota_allows_get_through()
    {
        var quota = Key("quota");
        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 60)
                .Select(async i =>
                {
                    try
                    {
                        await Store.ExecuteAsync(
                            new RedisMutation(Partition)
                                .RequireAbsent(Key($"item{i % 40}"), () => GalleryError.AlreadyExists("item", "x"))
                                .RequireCounterBelow(
                                    quota,
                                    "items",
                                    25,
                                    now =>
                                        GalleryError.QuotaExceeded(
                                            "items",
                                            25,
                                            long.Parse(now, System.Globalization.CultureInfo.InvariantCulture),
                                            "x"
                                        )
                                )
                                .PutRecord(Key($"item{i % 40}"), Text("x"), Etag.New())
                                .Increment(quota, "items", 1)
                        );
                        return true;
                    }
                    catch (RpcException)
                    {
                        return false;
                    }
                })
        );

        Assert.Equal(25, results.Count(done => done));
        Assert.Equal(25, await Database.HashGetAsync(quota, "items"));
    }

    [Fact]
    public async Task Of_two_updates_with_the_same_etag_one_wins()
    {
        var key = Key("a");
        await Store.ExecuteAsync(new RedisMutation(Partition).PutRecord(key, Text("x"), "e1"));
        var wins = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async i =>
                {
                    try
                    {
                        await Store.ExecuteAsync(
                            new RedisMutation(Partition)
                                .RequireEtag(key, "e1", () => GalleryError.EtagMismatch("a"))
                                .PutRecord(key, Text($"{i}"), Etag.New())
                        );
                        return 1;
                    }
                    catch (RpcException)
                    {
                        return 0;
                    }
                })
        );
        Assert.Equal(1, wins.Sum());
    }

    [Fact]
    public void A_key_of_another_partition_is_refused()
    {
        var other = Store.Partitions.First(partition => partition != Partition);
        Assert.Throws<ArgumentException>(() => new RedisMutation(Partition).DeleteKey(other.Key("x")));
        // The same partition of another service lies on the same server.
        new RedisMutation(Partition).DeleteKey(Partition.Of("cat:").Key("x"));
    }

    [Fact]
    public async Task Scripts_come_back_after_the_server_forgot_them()
    {
        await probe.Redis.Server.ScriptFlushAsync();
        await Store.ExecuteAsync(new RedisMutation(Partition).PutRecord(Key("a"), Text("x"), "1"));
        Assert.NotNull(await Store.ReadAsync(Key("a"), ProbeResponse.Parser));
    }

    private static RedisKey Sub(RedisKey key, string name) => key.Append(":" + name);

    private static ProbeResponse Text(string text) => new() { Text = text };

    private RedisKey Key(string name) => Partition.Key("test", _subscription, name);
}
