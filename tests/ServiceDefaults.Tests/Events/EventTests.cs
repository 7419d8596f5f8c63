using System.Collections.Concurrent;
using System.Diagnostics;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Events;
using Gallery.ServiceDefaults.Redis;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using Grpc.Core;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Tests.Events;

public sealed class EventTests : IAsyncLifetime
{
    private readonly RedisServer _redis = new();
    private readonly List<ServiceHost<Program>> _hosts = [];
    private readonly ConcurrentQueue<string> _handled = new();

    private static string Subscription => TestPrincipal.SubscriptionA;

    public Task InitializeAsync() => _redis.InitializeAsync();

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task An_event_is_handled_at_once_and_complete()
    {
        var received = new TaskCompletionSource<EventDelivery>();
        var host = await StartAsync(
            (delivery, _) =>
            {
                received.TrySetResult(delivery);
                return Task.CompletedTask;
            },
            o => o.WithSetting("Events:PollInterval", "00:01:00")
        ); // Only the wake-up can be that fast.
        await Task.Delay(500);

        var watch = Stopwatch.StartNew();
        await TellAsync(host, "a");
        var delivery = await received.Task.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.InRange(watch.ElapsedMilliseconds, 0, 2000);
        Assert.Equal("a", delivery.Event.Subject);
        Assert.Equal("probe", delivery.Event.Source);
        Assert.True(Guid.TryParse(delivery.Event.Id, out _));
        Assert.Equal(host.Time.GetUtcNow(), delivery.Event.Time.ToDateTimeOffset());
        Assert.Equal(1, delivery.DeliveryCount);
        await Eventually.Async(async () => await PendingAsync(host) == 0);
    }

    [Fact]
    public async Task Without_a_wake_up_events_are_found_by_polling()
    {
        var host = await StartAsync(Collect);
        await _redis.Database.StreamAddAsync(
            Stream(host),
            "p",
            Google.Protobuf.MessageExtensions.ToByteArray(new EventEnvelope { Subject = "silent" })
        );

        await Eventually.Async(() => _handled.Contains("silent"));
    }

    [Fact]
    public async Task Events_of_a_subject_come_in_order_and_do_not_wait_for_those_of_others()
    {
        var gate = new TaskCompletionSource();
        var slow = new ConcurrentQueue<string>();
        var host = await StartAsync(
            async (delivery, _) =>
            {
                if (delivery.Event.Subject == "slow")
                {
                    await gate.Task;
                    slow.Enqueue(delivery.Event.Id);
                    return;
                }

                _handled.Enqueue(delivery.Event.Subject);
            }
        );
        // In one step, so that they come to the consumer together.
        var step = _redis.Database.CreateTransaction();
        for (var i = 0; i < 10; i++)
        {
            Add(new EventEnvelope { Id = $"{i:000}", Subject = "slow" });
            Add(new EventEnvelope { Subject = $"{i}" });
        }

        Assert.True(await step.ExecuteAsync());
        await Eventually.Async(() => !_handled.IsEmpty, what: "others to be handled while one subject is slow");
        Assert.Empty(slow);
        gate.SetResult();
        await Eventually.Async(() => slow.Count == 10 && _handled.Count == 10);
        Assert.Equal(slow.Order(StringComparer.Ordinal), slow);

        void Add(EventEnvelope told) => _ = step.StreamAddAsync(Stream(host), "p", Google.Protobuf.MessageExtensions.ToByteArray(told));
    }

    [Fact]
    public async Task Events_told_before_the_consumer_began_are_handled()
    {
        await _redis.Database.StreamAddAsync(
            "prb:{p06}:events",
            "p",
            Google.Protobuf.MessageExtensions.ToByteArray(new EventEnvelope { Subject = "early" })
        );
        await StartAsync(Collect);

        await Eventually.Async(() => _handled.Contains("early"));
    }

    [Fact]
    public async Task A_failed_event_comes_again_and_does_not_hold_up_the_others()
    {
        var deliveries = new ConcurrentQueue<int>();
        var host = await StartAsync(
            (delivery, token) =>
            {
                if (delivery.Event.Subject == "bad")
                {
                    deliveries.Enqueue(delivery.DeliveryCount);
                    if (delivery.DeliveryCount < 3)
                    {
                        throw new InvalidOperationException("not yet");
                    }
                }

                return Collect(delivery, token);
            }
        );
        await TellAsync(host, "bad");
        await TellAsync(host, "good");

        await Eventually.Async(() => _handled.Count == 2);
        Assert.Equal(["good", "bad"], _handled);
        Assert.Equal([1, 2, 3], deliveries);
        await Eventually.Async(async () => await PendingAsync(host) == 0);
    }

    [Fact]
    public async Task The_events_of_a_consumer_that_died_are_taken_over()
    {
        var host = await StartAsync(Collect, o => o.WithSetting("Events:ClaimAfter", "00:00:00.5"));
        await Eventually.Async(() => GroupExistsAsync(host));
        // A process that took an event and was killed before it was done.
        await _redis.Database.StreamAddAsync(
            Stream(host),
            "p",
            Google.Protobuf.MessageExtensions.ToByteArray(new EventEnvelope { Subject = "orphan" })
        );
        await _redis.Database.StreamReadGroupAsync(Stream(host), "probe", "a-dead-process", ">", 10);

        // It may be that the host itself was faster; then nothing is to be claimed, and the event is handled all the same.
        await Eventually.Async(() => _handled.Contains("orphan"));
        await Eventually.Async(async () => await PendingAsync(host) == 0);
    }

    [Fact]
    public async Task A_handler_that_is_killed_leaves_its_event_to_the_next_process()
    {
        var started = new TaskCompletionSource();
        var first = await StartAsync(
            async (_, token) =>
            {
                started.TrySetResult();
                await Task.Delay(Timeout.Infinite, token);
            }
        );
        await TellAsync(first, "interrupted");
        await started.Task.WaitAsync(TimeSpan.FromSeconds(5));
        await first.DisposeAsync();
        Assert.Equal(1, (await _redis.Database.StreamPendingAsync("prb:{p06}:events", "probe")).PendingMessageCount);

        await StartAsync(Collect, o => o.WithSetting("Events:ClaimAfter", "00:00:00.5"));
        await Eventually.Async(() => _handled.Contains("interrupted"));
    }

    [Fact]
    public async Task Two_processes_share_the_events_and_each_is_handled_once()
    {
        var one = await StartAsync(Collect);
        await StartAsync(Collect);
        foreach (var i in Enumerable.Range(0, 200))
        {
            await TellAsync(one, $"{i}", new Guid(i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).ToString());
        }

        await Eventually.Async(() => _handled.Distinct().Count() == 200);
        Assert.Equal(200, _handled.Count);
    }

    [Fact]
    public async Task An_event_that_keeps_failing_goes_to_the_dead_letters_and_can_be_redriven()
    {
        var broken = true;
        var host = await StartAsync(
            (delivery, token) => broken ? throw new InvalidOperationException("broken handler") : Collect(delivery, token),
            o => o.WithSetting("Events:MaxDeliveries", "3")
        );
        var letters = new DeadLetterService.DeadLetterServiceClient(host.ChannelAs(TestPrincipal.Owner));
        var parent = $"subscriptions/{Subscription}";
        await TellAsync(host, "doomed");

        var letter = (
            await Eventually.GetAsync(
                async () => await letters.ListDeadLettersAsync(new() { Parent = parent }),
                list => list.DeadLetters.Count == 1
            )
        ).DeadLetters[0];
        Assert.Equal("doomed", letter.Event.Subject);
        Assert.Equal("InvalidOperationException: broken handler", letter.Reason);
        Assert.Equal(3, letter.DeliveryCount);
        Assert.Equal("prb:{p06}:events", letter.Stream);
        Assert.Equal(letter, (await letters.GetDeadLetterAsync(new() { Parent = parent, Id = letter.Id })).DeadLetter);
        Assert.Equal(0, await PendingAsync(host));

        // Redriven too early it comes back.
        await letters.RedriveDeadLetterAsync(new() { Parent = parent, Id = letter.Id });
        var again = (
            await Eventually.GetAsync(
                async () => await letters.ListDeadLettersAsync(new() { Parent = parent }),
                list => list.DeadLetters.Any(l => l.Id != letter.Id)
            )
        ).DeadLetters;
        Assert.Equal("prb:{p06}:redrive:prb", Assert.Single(again).Stream);

        broken = false;
        await letters.RedriveDeadLetterAsync(new() { Parent = parent, Id = again[0].Id });
        await Eventually.Async(() => _handled.Contains("doomed"));
        Assert.Empty((await letters.ListDeadLettersAsync(new() { Parent = parent })).DeadLetters);
        await Eventually.Async(async () => await _redis.Database.StreamLengthAsync("prb:{p06}:redrive:prb") == 0);
        await Refused.WithAsync(
            () => letters.RedriveDeadLetterAsync(new() { Parent = parent, Id = letter.Id }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task An_event_that_fails_for_want_of_a_service_is_tried_until_it_comes_through()
    {
        var away = true;
        var attempts = 0;
        var host = await StartAsync(
            (delivery, token) =>
            {
                Interlocked.Increment(ref attempts);
                return away ? throw GalleryError.DependencyUnavailable("other") : Collect(delivery, token);
            },
            o => o.WithSetting("Events:MaxDeliveries", "2")
        );
        await TellAsync(host, "patient");
        await Eventually.Async(() => attempts >= 4);

        away = false;
        await Eventually.Async(() => _handled.Contains("patient"));
    }

    [Fact]
    public async Task Bytes_that_are_no_event_go_to_the_dead_letters()
    {
        var host = await StartAsync(Collect);
        await _redis.Database.StreamAddAsync(Stream(host), "p", new byte[] { 255, 255, 255 });

        await Eventually.Async(async () =>
            await _redis.Database.StreamLengthAsync("prb:{p06}:dead:00000000-0000-0000-0000-000000000000") == 1
        );
        Assert.Equal(0, await PendingAsync(host));
    }

    [Fact]
    public async Task Dead_letters_are_the_owners_and_checked_like_any_request()
    {
        var access = ScriptedAccess.LikeSeeded();
        await using var peer = await PeerServer.StartAsync(access);
        var host = await StartAsync(Collect, o => o.WithPeer("sharing", peer), allowAll: false);
        var owner = new DeadLetterService.DeadLetterServiceClient(host.ChannelAs(TestPrincipal.Owner));
        var parent = $"subscriptions/{Subscription}";

        foreach (var principal in new[] { TestPrincipal.Contributor, TestPrincipal.Reader, TestPrincipal.OtherOwner })
        {
            var other = new DeadLetterService.DeadLetterServiceClient(host.ChannelAs(principal));
            await Refused.WithAsync(
                () => other.ListDeadLettersAsync(new() { Parent = parent }),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed
            );
        }

        await Refused.WithAsync(
            () => owner.ListDeadLettersAsync(new() { Parent = "x" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => owner.ListDeadLettersAsync(new() { Parent = parent, PageSize = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => owner.ListDeadLettersAsync(new() { Parent = parent, PageToken = "x" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => owner.GetDeadLetterAsync(new() { Parent = parent, Id = "+" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => owner.GetDeadLetterAsync(new() { Parent = parent, Id = "1-1" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await owner.DiscardDeadLetterAsync(new() { Parent = parent, Id = "1-1" });
    }

    [Fact]
    public async Task Dead_letters_are_paged_and_discarded()
    {
        var host = await StartAsync((_, _) => throw new InvalidOperationException("no"), o => o.WithSetting("Events:MaxDeliveries", "1"));
        foreach (var i in Enumerable.Range(0, 5))
        {
            await TellAsync(host, $"{i}");
        }

        var letters = new DeadLetterService.DeadLetterServiceClient(host.ChannelAs(TestPrincipal.Owner));
        var request = new ListDeadLettersRequest { Parent = $"subscriptions/{Subscription}", PageSize = 2 };
        await Eventually.Async(async () => await _redis.Database.StreamLengthAsync($"prb:{{p06}}:dead:{Subscription}") == 5);
        var seen = new List<DeadLetter>();
        do
        {
            var page = await letters.ListDeadLettersAsync(request);
            seen.AddRange(page.DeadLetters);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        // Events are handled side by side: the letters are in the order in which they failed.
        Assert.Equal(["0", "1", "2", "3", "4"], seen.Select(letter => letter.Event.Subject).Order());
        Assert.Equal(5, seen.Select(letter => letter.Id).Distinct().Count());
        await letters.DiscardDeadLetterAsync(new() { Parent = request.Parent, Id = seen[0].Id });
        Assert.Equal(4, await _redis.Database.StreamLengthAsync($"prb:{{p06}}:dead:{Subscription}"));
    }

    [Fact]
    public async Task A_void_delivery_changes_nothing()
    {
        var outcome = new TaskCompletionSource<(ErrorReason First, bool Second)>();
        var host = await StartAsync(
            async (delivery, _) =>
            {
                if (outcome.Task.IsCompleted)
                {
                    return;
                }

                var store = _hosts[0].Services.GetRequiredService<RedisStore>();
                var partition = store.PartitionOf(Subscription);
                // Another consumer takes over while this one works.
                var stolen = delivery with
                {
                    Consumer = "somebody-else",
                };
                var lost = await Assert.ThrowsAsync<RpcException>(() =>
                    store.ExecuteAsync(
                        new RedisMutation(partition).Acknowledge(stolen).PutRecord(partition.Key("lost"), delivery.Event, "1")
                    )
                );
                await store.ExecuteAsync(
                    new RedisMutation(partition).Acknowledge(delivery).PutRecord(partition.Key("kept"), delivery.Event, "1")
                );
                var twice = await Assert.ThrowsAsync<RpcException>(() =>
                    store.ExecuteAsync(
                        new RedisMutation(partition).Acknowledge(delivery).PutRecord(partition.Key("twice"), delivery.Event, "1")
                    )
                );
                outcome.TrySetResult((GalleryError.ReasonOf(lost), twice.StatusCode == StatusCode.Aborted));
            }
        );
        await TellAsync(host, "fenced");

        Assert.Equal((ErrorReason.OperationNotAllowed, true), await outcome.Task.WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.False(await _redis.Database.KeyExistsAsync("prb:{p06}:lost"));
        Assert.True(await _redis.Database.KeyExistsAsync("prb:{p06}:kept"));
        Assert.False(await _redis.Database.KeyExistsAsync("prb:{p06}:twice"));
    }

    [Fact]
    public async Task A_trace_goes_on_in_the_consumer()
    {
        var seen = new TaskCompletionSource<ActivityTraceId?>();
        var host = await StartAsync(
            (_, _) =>
            {
                seen.TrySetResult(Activity.Current?.TraceId);
                return Task.CompletedTask;
            }
        );
        using var activity = new Activity("publish").SetIdFormat(ActivityIdFormat.W3C).Start();
        await TellAsync(host, "traced");

        Assert.Equal(activity.TraceId, await seen.Task.WaitAsync(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task A_consumer_goes_on_when_redis_was_away()
    {
        var host = await StartAsync(Collect);
        await TellAsync(host, "before");
        await Eventually.Async(() => _handled.Contains("before"));
        await _redis.RestartAsync();

        await Eventually.Async(async () =>
        {
            try
            {
                await TellAsync(host, "after");
                return true;
            }
            catch (RedisException)
            {
                return false;
            }
        });
        await Eventually.Async(() => _handled.Contains("after"));
    }

    private Task Collect(EventDelivery delivery, CancellationToken cancellationToken)
    {
        _handled.Enqueue(delivery.Event.Subject);
        return Task.CompletedTask;
    }

    private static RedisKey Stream(ServiceHost<Program> host) =>
        host.Services.GetRequiredService<RedisStore>().PartitionOf(Subscription).Events;

    private static Task TellAsync(ServiceHost<Program> host, string subject, string? subscription = null)
    {
        var store = host.Services.GetRequiredService<RedisStore>();
        var partition = store.PartitionOf(subscription ?? Subscription);
        return store.ExecuteAsync(
            new RedisMutation(partition).AppendEvent(new EventEnvelope { Subject = subject, SubscriptionId = subscription ?? Subscription })
        );
    }

    private async Task<long> PendingAsync(ServiceHost<Program> host) =>
        (await _redis.Database.StreamPendingAsync(Stream(host), "probe")).PendingMessageCount;

    private async Task<bool> GroupExistsAsync(ServiceHost<Program> host) =>
        await _redis.Database.KeyExistsAsync(Stream(host)) && (await _redis.Database.StreamGroupInfoAsync(Stream(host))).Length == 1;

    private async Task<ServiceHost<Program>> StartAsync(
        Func<EventDelivery, CancellationToken, Task> handle,
        Action<ServiceHostBuilder>? more = null,
        bool allowAll = true
    )
    {
        var host = await ServiceHost<Program>.StartAsync(o =>
        {
            o.WithRedis(_redis)
                .WithSetting("Events:PollInterval", "00:00:00.1")
                .WithSetting("Events:RetryBaseDelay", "00:00:00.05")
                .WithSetting("Events:RetryMaxDelay", "00:00:00.2")
                .WithServices(services =>
                {
                    services.AddSingleton(new ProbeScript { Handle = handle });
                    if (allowAll)
                    {
                        services.AddSingleton<IAccessChecker, AllowAll>();
                    }
                });
            more?.Invoke(o);
        });
        _hosts.Add(host);
        return host;
    }

    private sealed class AllowAll : IAccessChecker
    {
        public Task<bool> IsAllowedAsync(Caller caller, string action, string resourceName, CancellationToken cancellationToken) =>
            Task.FromResult(true);
    }
}
