using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Tests.Redis;

[Collection("probe")]
public sealed class StoreTests(ProbeHost probe)
{
    [Theory]
    [InlineData(0, 50)]
    [InlineData(1, 1)]
    [InlineData(7, 7)]
    [InlineData(8, 8)]
    [InlineData(10, 10)]
    public async Task An_index_is_paged_without_gaps_or_repeats(int size, int expectedSize)
    {
        var subscription = Guid.NewGuid().ToString();
        var partition = probe.Store.PartitionOf(subscription);
        var index = partition.Key("index", subscription);
        var members = Enumerable.Range(0, 80).Select(i => $"name-{i:00}").ToArray();
        foreach (var member in members.Reverse())
        {
            await probe.Store.ExecuteAsync(new RedisMutation(partition).AddToIndex(index, member));
        }

        var (token, seen) = ("", new List<string>());
        do
        {
            var page = await probe.Store.ReadIndexAsync(index, PageRequest.From(size, token, "list"));
            Assert.InRange(page.Members.Count, 1, expectedSize);
            seen.AddRange(page.Members);
            token = page.NextPageToken;
        } while (token.Length > 0);

        Assert.Equal(members, seen);
    }

    [Fact]
    public async Task A_page_goes_on_where_the_last_one_ended_even_if_that_entry_is_gone()
    {
        var partition = probe.Store.Partitions[0];
        var index = partition.Key("index", Guid.NewGuid().ToString());
        await probe.Store.ExecuteAsync(new RedisMutation(partition).AddToIndex(index, "a").AddToIndex(index, "b").AddToIndex(index, "c"));
        var first = await probe.Store.ReadIndexAsync(index, PageRequest.From(2, "", "list"));
        await probe.Store.ExecuteAsync(new RedisMutation(partition).RemoveFromIndex(index, "b"));

        var second = await probe.Store.ReadIndexAsync(index, PageRequest.From(2, first.NextPageToken, "list"));
        Assert.Equal(["c"], second.Members);
        Assert.Empty(second.NextPageToken);
        Assert.Empty((await probe.Store.ReadIndexAsync(partition.Key("none"), PageRequest.From(0, "", "list"))).Members);
    }

    [Fact]
    public void A_subscription_has_the_same_partition_for_ever_whatever_the_case()
    {
        // Written down: a change of these would lose every record that exists.
        Assert.Equal(6, probe.Store.PartitionOf(TestPrincipal.SubscriptionA).Number);
        Assert.Equal(3, probe.Store.PartitionOf(TestPrincipal.SubscriptionB.ToUpperInvariant()).Number);
        var spread = Enumerable
            .Range(0, 4000)
            .GroupBy(i => probe.Store.PartitionOf(new Guid(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).ToString()).Number)
            .ToArray();
        Assert.Equal(8, spread.Length);
        Assert.All(spread, partition => Assert.InRange(partition.Count(), 300, 700));
    }

    [Fact]
    public void Keys_carry_prefix_tag_kind_and_the_rest_in_lower_case()
    {
        var partition = new Partition("cat:", 3);
        Assert.Equal("cat:{p03}:gallery:subscriptions/x/prod", partition.Key("gallery", "Subscriptions/X/Prod").ToString());
        Assert.Equal("cat:{p03}:quota:a:b", partition.Key("quota", "A", "b").ToString());
        Assert.Equal("cat:{p03}:list", partition.Key("list").ToString());
        Assert.Equal("cat:{p03}:events", partition.Events.ToString());
    }

    [Fact]
    public async Task A_service_with_another_number_of_partitions_does_not_start()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            ServiceHost<Program>.StartAsync(o => o.WithRedis(probe.Redis).WithSetting("Redis:Partitions", "4"))
        );
        Assert.Contains("has 8 partitions and Redis:Partitions is 4", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_does_it_go_on_when_it_finds_out_later()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.Database.HashSetAsync("prb:installation", "partitions", 8);
        await redis.KillAsync();
        await using var host = await ServiceHost<Program>.StartAsync(o => o.WithRedis(redis).WithSetting("Redis:Partitions", "4"));
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await redis.RestartAsync();

        await Eventually.Async(() => stopping.IsCancellationRequested, what: "the service to stop");
    }

    [Fact]
    public async Task What_was_acknowledged_survives_a_power_cut_and_the_service_goes_on_by_itself()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var host = await ServiceHost<Program>.StartAsync(o => o.WithRedis(redis));
        var store = host.Services.GetRequiredService<RedisStore>();
        var key = store.Partitions[0].Key("x");
        await store.ExecuteAsync(new RedisMutation(store.Partitions[0]).PutRecord(key, new ProbeResponse { Text = "kept" }, "1"));

        await redis.KillAsync();
        await Assert.ThrowsAnyAsync<RedisException>(() => store.ReadAsync(key, ProbeResponse.Parser));
        await redis.RestartAsync();

        var found = await Eventually.GetAsync(
            async () =>
            {
                try
                {
                    return await store.ReadAsync(key, ProbeResponse.Parser);
                }
                catch (RedisException)
                {
                    return null;
                }
            },
            record => record is not null
        );
        Assert.Equal("kept", found!.Value.Text);
    }

    [Fact]
    public async Task A_service_needs_no_more_than_its_own_prefix_of_redis()
    {
        await using var redis = await RedisServer.StartAsync();
        await redis.Server.ExecuteAsync(
            "ACL",
            "SETUSER",
            "probe",
            "on",
            ">secret",
            "resetkeys",
            "~prb:*",
            "resetchannels",
            "&prb:*",
            "-@all",
            "+@read",
            "+@write",
            "+@stream",
            "+@hash",
            "+@sortedset",
            "+@pubsub",
            "+@scripting",
            "+@transaction",
            "+@connection",
            "-@dangerous",
            "+info",
            "-keys"
        );
        await redis.Server.ExecuteAsync(
            "ACL",
            "SETUSER",
            "default",
            "resetkeys",
            "-@all",
            "+@connection",
            "+ping",
            "+info",
            "+acl",
            "+flushall"
        );
        await using var host = await ServiceHost<Program>.StartAsync(o =>
            o.WithSetting("ConnectionStrings:redis", $"{redis.ConnectionString},user=probe,password=secret")
                .WithSetting("Events:TrimInterval", "00:00:00.2")
        );

        var handled = new TaskCompletionSource();
        host.Services.GetRequiredService<ProbeScript>().Handle = (_, _) =>
        {
            handled.TrySetResult();
            return Task.CompletedTask;
        };
        var store = host.Services.GetRequiredService<RedisStore>();
        var partition = store.Partitions[1];
        await store.ExecuteAsync(
            new RedisMutation(partition).PutRecord(partition.Key("x"), new ProbeResponse(), "1").AppendEvent(new() { Subject = "x" })
        );
        await handled.Task.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.NotNull(await store.ReadAsync(partition.Key("x"), ProbeResponse.Parser));
        await Assert.ThrowsAsync<RedisServerException>(() => store.Database.StringGetAsync("cat:x"));
        await Task.Delay(500);
        Assert.DoesNotContain(host.Logs, line => line.Contains("NOPERM", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Everything_works_on_redis_cluster()
    {
        await using var redis = await RedisServer.StartAsync(cluster: true);
        await using var host = await ServiceHost<Program>.StartAsync(o =>
            o.WithRedis(redis)
                .WithSetting("Events:MaxDeliveries", "2")
                .WithSetting("Events:RetryBaseDelay", "00:00:00.05")
                .WithSetting("Events:PollInterval", "00:00:00.1")
                .WithSetting("Events:TrimInterval", "00:00:00.2")
        );
        var handled = 0;
        host.Services.GetRequiredService<ProbeScript>().Handle = (delivery, _) =>
        {
            Interlocked.Increment(ref handled);
            return delivery.Event.Subject == "bad" ? throw new InvalidOperationException("bad") : Task.CompletedTask;
        };
        var store = host.Services.GetRequiredService<RedisStore>();
        foreach (var partition in store.Partitions)
        {
            var request = new ProbeRequest { RequestId = "id" };
            await store.ExecuteAsync(
                new RedisMutation(partition)
                    .RequireAbsent(partition.Key("x"), () => throw new InvalidOperationException())
                    .PutRecord(partition.Key("x"), request, "1")
                    .AddToIndex(partition.Key("index"), "x")
                    .AppendActivity(partition.Key("log"), request, TimeSpan.FromDays(1))
                    .AppendEvent(new() { Subject = "good" })
                    .AppendEvent(new() { Subject = "bad" })
                    .Remember(RequestMemo.For(partition, "s", "id", "/x", request), request)
            );
        }

        await Eventually.Async(
            () => handled == 3 * store.Partitions.Count,
            TimeSpan.FromSeconds(20),
            "two events a partition, one of them twice"
        );
        Assert.All(
            await store.ReadManyAsync([.. store.Partitions.Select(partition => partition.Key("x"))], ProbeRequest.Parser),
            Assert.NotNull
        );
        await Eventually.Async(async () =>
        {
            var dead = await Task.WhenAll(
                store.Partitions.Select(partition => redis.Database.StreamLengthAsync(partition.Key("dead", Guid.Empty.ToString())))
            );
            return dead.All(length => length == 1);
        });
        Assert.DoesNotContain(host.Logs, line => line.Contains("CROSSSLOT", StringComparison.Ordinal));
    }
}
