using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit;
using Gallery.TestKit.Suite.Faults;

namespace Gallery.EndToEnd.Faults;

/// <summary>Events that are told twice, late and in the wrong order.</summary>
[Collection("house")]
public sealed class EventFaultTests(PublishedHouse house)
{
    [Fact]
    public async Task Events_told_again_in_another_order_change_nothing_and_move_nothing()
    {
        await using var catalog = await EventReplay.StartAsync(house.Suite, "catalog", "cat");
        await using var replication = await EventReplay.StartAsync(house.Suite, "replication", "rep");
        await using var kept = await DisturbedVersion.PublishAsync(house, "4.0.0", 16, "westus=1", "northeurope=1");
        await using var gone = await DisturbedVersion.PublishAsync(house, "4.0.1", 16, "westus=1", "northeurope=1");
        await kept.ConvergesAsync(copies: 2, breaks: 0);
        await house.SucceededAsync("4.0.1");
        await house.Suite.SucceedAsync("version", "delete", gone.Name);
        await ConsumedAsync(catalog, replication);
        var before = await EverythingAsync();
        Assert.True(catalog.Count >= 3 && replication.Count >= 10, $"{catalog.Count} and {replication.Count} events were told");

        var sent = kept.SentBytes;
        var random = new Random(7);
        for (var time = 0; time < 2; time++)
        {
            await replication.TellAgainAsync(random);
            await catalog.TellAgainAsync(random);
            await ConsumedAsync(catalog, replication);
        }

        var after = await EverythingAsync();
        Assert.True(before == after, FirstDifference(before, after));
        Assert.InRange(kept.SentBytes - sent, 0, 1024 * 1024); // Heartbeats.
        Assert.Empty(await DeadLettersAsync("catalog"));
        Assert.Empty(await DeadLettersAsync("replication"));
        Assert.Empty(await DeadLettersAsync("billing"));
        await kept.DownloadsEqualAsync("northeurope");
    }

    private static Task ConsumedAsync(params EventReplay[] events) =>
        Eventually.Async(
            async () => (await Task.WhenAll(events.Select(replay => replay.IsConsumedAsync()))).All(consumed => consumed),
            TimeSpan.FromSeconds(30),
            "all events to be handled"
        );

    /// <summary>What the services know that events could change: versions, rows, replicas, usage, egress.</summary>
    private async Task<string> EverythingAsync()
    {
        var replication = new ReplicationService.ReplicationServiceClient(await house.Suite.CallAsAsync("owner", "replication"));
        var usage = new UsageService.UsageServiceClient(await house.Suite.CallAsAsync("owner", "billing"));
        var name = $"{PublishedHouse.Definition}/versions/4.0.0";
        return string.Join(
            '\n',
            await house.InventoryAsync(),
            await house.StatusAsync("4.0.0"),
            await replication.ListReplicasAsync(new ListReplicasRequest { Parent = name }),
            await usage.ListUsageIntervalsAsync(new ListUsageIntervalsRequest { Parent = PublishedHouse.Subscription, PageSize = 1000 }),
            await usage.ListEgressRecordsAsync(new ListEgressRecordsRequest { Parent = PublishedHouse.Subscription, PageSize = 1000 })
        );
    }

    /// <summary>Enough of both to tell which resource changed.</summary>
    private static string FirstDifference(string before, string after)
    {
        var at = before.Zip(after).TakeWhile(pair => pair.First == pair.Second).Count();
        string Around(string text) => text[Math.Max(0, at - 2000)..Math.Min(text.Length, at + 2000)];
        return $"Something changed.\nBefore:\n{Around(before)}\nAfter:\n{Around(after)}";
    }

    private async Task<IEnumerable<DeadLetter>> DeadLettersAsync(string service)
    {
        var letters = new DeadLetterService.DeadLetterServiceClient(await house.Suite.CallAsAsync("owner", service));
        return (await letters.ListDeadLettersAsync(new ListDeadLettersRequest { Parent = PublishedHouse.Subscription })).DeadLetters;
    }
}
