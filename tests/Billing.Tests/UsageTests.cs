using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Billing.Tests;

[Collection("billing")]
public sealed class UsageTests(BillingFixture fixture)
{
    private static readonly DateTimeOffset Start = new(2025, 11, 3, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_replica_is_recorded_from_ready_to_deleting()
    {
        var subscription = BillingFixture.NewSubscription();
        var version = BillingFixture.VersionOf(subscription);
        var ready = (await fixture.PublishAsync(version, 7 * BillingFixture.Gb, Start, [("eastus", 1)], StorageAccountType.StandardZrs))[0];
        var open = Assert.Single(await fixture.RecordedAsync(subscription, 1));

        Assert.Equal($"subscriptions/{subscription}/usageIntervals/{ready.Uid}", open.Name);
        Assert.Equal(ready.Name, open.Replica);
        Assert.Equal(version, open.Version);
        Assert.Equal("eastus", open.Region);
        Assert.Equal(StorageAccountType.StandardZrs, open.StorageAccountType);
        Assert.Equal(7 * BillingFixture.Gb, open.OccupiedSizeBytes);
        Assert.Equal(ready.Time, open.StartTime);
        Assert.Null(open.EndTime);

        await fixture.TellAsync(BillingFixture.Gone(ready, Start.AddHours(5)));

        var ended = await EndedAsync(subscription);
        Assert.Equal(Start.AddHours(5), ended.EndTime.ToDateTimeOffset());
        open.EndTime = ended.EndTime;
        Assert.Equal(open, ended);
    }

    [Fact]
    public async Task An_end_that_comes_before_the_beginning_leaves_nothing_open()
    {
        var subscription = BillingFixture.NewSubscription();
        var version = BillingFixture.VersionOf(subscription);
        var ready = new ReplicaChanged
        {
            Name = $"{version}/replicas/eastus-0",
            Uid = Guid.NewGuid().ToString(),
            Version = version,
            Region = "eastus",
            State = ReplicaState.Ready,
            OccupiedSizeBytes = BillingFixture.Gb,
            Time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Start),
        };
        await fixture.TellAsync(BillingFixture.Gone(ready, Start.AddHours(2)));
        await fixture.TellAsync(ready);
        await fixture.TellAsync(BillingFixture.Gone(ready, Start.AddHours(3)));
        await fixture.TellAsync(ready);

        var interval = await EndedAsync(subscription);

        Assert.Equal((Start, Start.AddHours(2)), (interval.StartTime.ToDateTimeOffset(), interval.EndTime.ToDateTimeOffset()));
        var open = await fixture
            .Usage()
            .ListUsageIntervalsAsync(new ListUsageIntervalsRequest { Parent = $"subscriptions/{subscription}", OpenOnly = true });
        Assert.Empty(open.UsageIntervals);
    }

    [Fact]
    public async Task A_replica_that_was_never_ready_costs_nothing()
    {
        var subscription = BillingFixture.NewSubscription();
        var version = BillingFixture.VersionOf(subscription);
        var marker = (await fixture.PublishAsync(version, 1, Start, [("eastus", 1)]))[0];
        var never = marker.Clone();
        never.Uid = Guid.NewGuid().ToString();
        foreach (
            var state in new[]
            {
                ReplicaState.Queued,
                ReplicaState.Copying,
                ReplicaState.Failed,
                ReplicaState.Deleting,
                ReplicaState.Deleted,
            }
        )
        {
            never.State = state;
            await fixture.TellAsync(never.Clone());
        }

        await fixture.TellAsync(BillingFixture.Gone(marker, Start.AddHours(1)));
        await EndedAsync(subscription); // The marker came last.

        Assert.Equal(1, (await fixture.StatementAsync(subscription, "2025-11")).SnapshotCount);
        Assert.Single(await fixture.RecordedAsync(subscription, 1));
    }

    [Fact]
    public async Task Events_delivered_twice_are_billed_once()
    {
        var subscription = BillingFixture.NewSubscription();
        var events = await fixture.PublishAsync(
            BillingFixture.VersionOf(subscription),
            BillingFixture.Gb,
            Start,
            [("eastus", 1), ("westus", 2)]
        );
        foreach (var ready in events)
        {
            await fixture.TellAsync(ready);
        }

        var last = events[^1].Clone();
        await fixture.TellAsync(BillingFixture.Gone(last, Start.AddDays(1)));
        await Eventually.Async(async () => (await fixture.RecordedAsync(subscription, 3)).Any(each => each.EndTime is not null));

        var egress = await EgressAsync(subscription);
        Assert.Single(egress);
        Assert.Equal(3, (await fixture.RecordedAsync(subscription, 3)).Count);
    }

    [Fact]
    public async Task Egress_keeps_both_figures_and_bills_the_right_one()
    {
        var subscription = BillingFixture.NewSubscription();
        var version = BillingFixture.VersionOf(subscription);
        var first = (
            await fixture.PublishAsync(version, 10 * BillingFixture.Gb, Start, [("eastus", 1), ("westus", 2), ("northeurope", 1)])
        ).Single(each => each is { FirstInRegion: true, Region: "westus" });
        var again = first.Clone();
        again.Uid = Guid.NewGuid().ToString();
        again.RegionReAdded = true;
        again.TransferredBytes = 3 * BillingFixture.Gb;
        again.Time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Start.AddDays(3));
        await fixture.TellAsync(again);
        await fixture.RecordedAsync(subscription, 5);

        var records = await EgressAsync(subscription);

        Assert.Equal(
            ["westus", "northeurope", "westus"],
            records.OrderBy(each => each.Time).ThenByDescending(each => each.TargetRegion).Select(each => each.TargetRegion)
        );
        Assert.All(records, each => Assert.Equal("eastus", each.SourceRegion));
        Assert.All(records, each => Assert.Equal(10 * BillingFixture.Gb, each.OccupiedSizeBytes));
        var last = Assert.Single(records, each => each.RegionReAdded);
        Assert.Equal(3 * BillingFixture.Gb, last.TransferredBytes);
        Assert.Equal(3 * BillingFixture.Gb, last.BilledBytes);
        Assert.All(records.Where(each => !each.RegionReAdded), each => Assert.Equal(10 * BillingFixture.Gb, each.BilledBytes));
        Assert.Equal($"subscriptions/{subscription}/egressRecords/{again.Uid}", last.Name);

        var statement = await fixture.StatementAsync(subscription, "2025-11");
        Assert.Equal("23", statement.EgressQuantity);
        Assert.Equal((13 * 0.02m) + (10 * 0.05m), BillingFixture.Of(statement.EgressTotal));
    }

    [Fact]
    public async Task Lists_have_filters_and_pages()
    {
        var subscription = BillingFixture.NewSubscription();
        var one = BillingFixture.VersionOf(subscription);
        var two = BillingFixture.VersionOf(subscription, "2.0.0");
        var october = Start.AddMonths(-1);
        var early = await fixture.PublishAsync(one, BillingFixture.Gb, october, [("eastus", 2), ("westus", 1)]);
        await fixture.TellAsync(BillingFixture.Gone(early[0], october.AddDays(1)));
        await fixture.PublishAsync(two, BillingFixture.Gb, Start, [("eastus", 1), ("westus", 1), ("northeurope", 1)]);
        await fixture.RecordedAsync(subscription, 6);
        await EndedAsync(subscription);
        var parent = $"subscriptions/{subscription}";

        Assert.Equal(6, (await AllIntervalsAsync(new() { Parent = parent, PageSize = 1 })).Count);
        Assert.Equal(6, (await AllIntervalsAsync(new() { Parent = parent, PageSize = 4 })).Count);
        Assert.Equal(
            3,
            (
                await AllIntervalsAsync(
                    new()
                    {
                        Parent = parent,
                        PageSize = 2,
                        Version = one.ToUpperInvariant().Replace("SUBSCRIPTIONS", "subscriptions", StringComparison.Ordinal),
                    }
                )
            ).Count
        );
        Assert.Equal(
            3,
            (
                await AllIntervalsAsync(
                    new()
                    {
                        Parent = parent,
                        PageSize = 1,
                        Region = "East US",
                    }
                )
            ).Count
        );
        Assert.Equal(
            5,
            (
                await AllIntervalsAsync(
                    new()
                    {
                        Parent = parent,
                        PageSize = 2,
                        OpenOnly = true,
                    }
                )
            ).Count
        );
        Assert.Equal(
            3,
            (
                await AllIntervalsAsync(
                    new()
                    {
                        Parent = parent,
                        PageSize = 2,
                        Month = "2025-10",
                    }
                )
            ).Count
        );
        Assert.Equal(
            5,
            (
                await AllIntervalsAsync(
                    new()
                    {
                        Parent = parent,
                        PageSize = 2,
                        Month = "2025-11",
                    }
                )
            ).Count
        );
        Assert.Empty(await AllIntervalsAsync(new() { Parent = parent, Month = "2025-09" }));
        var times = (await AllIntervalsAsync(new() { Parent = parent })).Select(each => each.StartTime).ToList();
        Assert.Equal(times.Order(), times);

        Assert.Equal(3, (await AllEgressAsync(new() { Parent = parent, PageSize = 1 })).Count);
        Assert.Equal(
            2,
            (
                await AllEgressAsync(
                    new()
                    {
                        Parent = parent,
                        PageSize = 1,
                        Month = "2025-11",
                    }
                )
            ).Count
        );
        Assert.Single(
            await AllEgressAsync(
                new()
                {
                    Parent = parent,
                    PageSize = 1,
                    Month = "2025-10",
                }
            )
        );
        Assert.Equal(2, (await AllEgressAsync(new() { Parent = parent, Region = "westus" })).Count);
        Assert.Single(await AllEgressAsync(new() { Parent = parent, Version = one }));
    }

    [Fact]
    public async Task Malformed_lists_are_refused()
    {
        var subscription = BillingFixture.NewSubscription();
        var refused = await Refused.WithAsync(
            () =>
                fixture
                    .Usage()
                    .ListUsageIntervalsAsync(
                        new ListUsageIntervalsRequest
                        {
                            Parent = "x",
                            Version = "y",
                            Month = "2025-13",
                        }
                    ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["parent", "version", "month"], refused.Fields);
        refused = await Refused.WithAsync(
            () =>
                fixture
                    .Usage()
                    .ListEgressRecordsAsync(
                        new ListEgressRecordsRequest
                        {
                            Parent = $"subscriptions/{subscription}",
                            Version = BillingFixture.VersionOf(BillingFixture.NewSubscription()),
                        }
                    ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["version"], refused.Fields);
        await Refused.WithAsync(
            () =>
                fixture
                    .Usage()
                    .ListEgressRecordsAsync(new ListEgressRecordsRequest { Parent = $"subscriptions/{subscription}", PageToken = "?" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () =>
                fixture
                    .Usage()
                    .ListUsageIntervalsAsync(new ListUsageIntervalsRequest { Parent = $"subscriptions/{subscription}", PageSize = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () =>
                fixture
                    .Usage(TestPrincipal.OtherOwner)
                    .ListUsageIntervalsAsync(new ListUsageIntervalsRequest { Parent = $"subscriptions/{subscription}" }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task Events_that_make_no_sense_end_among_the_dead_letters()
    {
        var subscription = BillingFixture.NewSubscription();
        var good = new ReplicaChanged
        {
            Name = "r",
            Uid = "u",
            Version = BillingFixture.VersionOf(subscription),
            Region = "eastus",
            State = ReplicaState.Ready,
            OccupiedSizeBytes = 1,
        };
        Action<ReplicaChanged>[] spoils =
        [
            each => each.Uid = "",
            each => each.Uid = "a/b",
            each => each.Region = "",
            each => each.OccupiedSizeBytes = -1,
            each => each.TransferredBytes = -1,
            each => each.StorageAccountType = (StorageAccountType)99,
            each => each.Time = new() { Seconds = -1 },
            each => each.Version = $"subscriptions/{subscription}/resourceGroups/rg1",
        ];
        foreach (var spoil in spoils)
        {
            var bad = good.Clone();
            spoil(bad);
            await fixture.TellAsync(bad);
        }

        // Owners handle dead letters; the script lets this fixture's callers read only.
        fixture.Access.Decide = Owner(fixture.Access.Decide, subscription);
        var client = new DeadLetterService.DeadLetterServiceClient(fixture.Host.ChannelAs(TestPrincipal.Owner));
        var letters = await Eventually.GetAsync(
            async () =>
                (await client.ListDeadLettersAsync(new ListDeadLettersRequest { Parent = $"subscriptions/{subscription}" })).DeadLetters,
            found => found.Count == spoils.Length,
            TimeSpan.FromSeconds(20)
        );
        Assert.All(letters, letter => Assert.Contains("can't be billed", letter.Reason, StringComparison.Ordinal));

        await fixture.TellAsync(good); // Others are not held up.
        await fixture.RecordedAsync(subscription, 1);

        static Func<Principal, string, string, bool> Owner(Func<Principal, string, string, bool> before, string subscription) =>
            (principal, action, resource) =>
                resource.EndsWith(subscription, StringComparison.Ordinal) || before(principal, action, resource);
    }

    private async Task<UsageInterval> EndedAsync(string subscription) =>
        (
            await Eventually.GetAsync(
                async () =>
                    (
                        await fixture
                            .Usage()
                            .ListUsageIntervalsAsync(new ListUsageIntervalsRequest { Parent = $"subscriptions/{subscription}" })
                    )
                        .UsageIntervals.Where(each => each.EndTime is not null)
                        .ToList(),
                found => found.Count == 1
            )
        )[0];

    private Task<List<EgressRecord>> EgressAsync(string subscription) => AllEgressAsync(new() { Parent = $"subscriptions/{subscription}" });

    private async Task<List<UsageInterval>> AllIntervalsAsync(ListUsageIntervalsRequest request)
    {
        var all = new List<UsageInterval>();
        do
        {
            var page = await fixture.Usage().ListUsageIntervalsAsync(request);
            Assert.True(request.PageSize == 0 || page.UsageIntervals.Count <= request.PageSize);
            all.AddRange(page.UsageIntervals);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        return all;
    }

    private async Task<List<EgressRecord>> AllEgressAsync(ListEgressRecordsRequest request)
    {
        var all = new List<EgressRecord>();
        do
        {
            var page = await fixture.Usage().ListEgressRecordsAsync(request);
            Assert.True(request.PageSize == 0 || page.EgressRecords.Count <= request.PageSize);
            all.AddRange(page.EgressRecords);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        return all;
    }
}
