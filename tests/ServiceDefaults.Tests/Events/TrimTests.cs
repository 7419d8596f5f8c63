using Gallery.ServiceDefaults.Events;
using Gallery.ServiceDefaults.Redis;
using Gallery.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Tests.Events;

[Collection("probe")]
public sealed class TrimTests(ProbeHost probe)
{
    // A stream of its own: the probe consumes the partitions of the store.
    private readonly RedisKey _stream = probe.Store.Partitions[0].Key("trim", Guid.NewGuid().ToString());

    private IDatabase Database => probe.Redis.Database;

    [Fact]
    public async Task Nothing_goes_that_a_group_has_not_acknowledged()
    {
        var ids = await AddAsync(10);
        await Database.StreamCreateConsumerGroupAsync(_stream, "billing", "0-0");
        await Database.StreamCreateConsumerGroupAsync(_stream, "replication", "0-0");
        Assert.Equal(0, await TrimAsync("billing", "replication"));

        // billing has seen all and acknowledged all but the fifth; replication has acknowledged seven.
        await ReadAsync("billing", 10);
        await Database.StreamAcknowledgeAsync(_stream, "billing", [.. ids.Where((_, i) => i != 4)]);
        Assert.Equal(0, await TrimAsync("billing", "replication"));
        await ReadAsync("replication", 7);
        await Database.StreamAcknowledgeAsync(_stream, "replication", [.. ids.Take(7)]);
        Assert.Equal(4, await TrimAsync("billing", "replication"));
        Assert.Equal(ids[4], (await Database.StreamRangeAsync(_stream, count: 1))[0].Id);

        await Database.StreamAcknowledgeAsync(_stream, "billing", ids[4]);
        await TrimAsync("billing", "replication");
        // The last one acknowledged by both stays as the mark of how far they are.
        Assert.Equal(ids[6..], (await Database.StreamRangeAsync(_stream)).Select(entry => entry.Id));
    }

    [Fact]
    public async Task Nothing_goes_before_every_consumer_has_begun()
    {
        var ids = await AddAsync(5);
        await Database.StreamCreateConsumerGroupAsync(_stream, "billing", "0-0");
        await ReadAsync("billing", 5);
        await Database.StreamAcknowledgeAsync(_stream, "billing", ids);

        Assert.Equal(0, await TrimAsync("billing", "replication"));
        Assert.Equal(4, await TrimAsync("billing"));
    }

    [Fact]
    public async Task What_nobody_consumes_goes_after_a_week()
    {
        await Database.StreamAddAsync(_stream, "p", "old", "1000-1");
        await AddAsync(3);

        Assert.Equal(1, await TrimAsync());
        Assert.Equal(3, await Database.StreamLengthAsync(_stream));
    }

    [Fact]
    public async Task The_trimmer_goes_over_all_partitions()
    {
        var services = probe.Host.Services;
        await using var redis = await RedisServer.StartAsync();
        await using var host = await ServiceHost<Program>.StartAsync(o =>
            o.WithRedis(redis).WithSetting("Events:PollInterval", "00:00:00.1")
        );
        var store = host.Services.GetRequiredService<RedisStore>();
        foreach (var partition in store.Partitions)
        {
            for (var i = 0; i < 3; i++)
            {
                await store.ExecuteAsync(new RedisMutation(partition).AppendEvent(new() { Subject = "x" }));
            }
        }

        var trimmer = new EventTrimmer(
            new EventPublication(["probe"]),
            store,
            Options.Create(new EventOptions()),
            services.GetRequiredService<EventMetrics>(),
            NullLogger<EventTrimmer>.Instance
        );
        var trimmed = 0L;
        await Eventually.Async(async () => (trimmed += await trimmer.TrimAsync()) == 16);
    }

    [Fact]
    public async Task A_consumer_that_is_long_gone_is_forgotten_unless_it_holds_something()
    {
        await AddAsync(2);
        await Database.StreamCreateConsumerGroupAsync(_stream, "billing", "0-0");
        await Database.StreamReadGroupAsync(_stream, "billing", "holder", ">", 1);
        await Database.ExecuteAsync("XGROUP", "CREATECONSUMER", _stream, "billing", "idle");
        await Task.Delay(20);
        await Database.ScriptEvaluateAsync(RedisScripts.ForgetConsumers, [_stream], ["billing", 10]);

        Assert.Equal("holder", Assert.Single(await Database.StreamConsumerInfoAsync(_stream, "billing")).Name);
    }

    private async Task<RedisValue[]> AddAsync(int count)
    {
        var ids = new RedisValue[count];
        for (var i = 0; i < count; i++)
        {
            ids[i] = await Database.StreamAddAsync(_stream, "p", "x");
        }

        return ids;
    }

    private Task ReadAsync(string group, int count) => Database.StreamReadGroupAsync(_stream, group, "c", ">", count);

    private async Task<long> TrimAsync(params string[] groups) =>
        (long)await Database.ScriptEvaluateAsync(RedisScripts.Trim, [_stream], [604_800_000, .. groups.Select(group => (RedisValue)group)]);
}
