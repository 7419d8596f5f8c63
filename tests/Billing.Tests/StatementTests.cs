using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Billing.Tests;

[Collection("billing")]
public sealed class StatementTests(BillingFixture fixture)
{
    private static readonly DateTimeOffset November = new(2025, 11, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Storage_is_charged_for_the_part_of_the_month()
    {
        var subscription = BillingFixture.NewSubscription();
        var version = BillingFixture.VersionOf(subscription);
        var events = await fixture.PublishAsync(version, 30 * BillingFixture.Gb, November.AddDays(9), [("eastus", 2)]);
        await fixture.TellAsync(BillingFixture.Gone(events[0], November.AddDays(12)));
        await fixture.TellAsync(BillingFixture.Gone(events[1], November.AddDays(39)));
        await EndedAsync(subscription, 2);

        // 30 GB for 3 and 21 of 30 days.
        var statement = await fixture.StatementAsync(subscription, "2025-11");
        Assert.Equal("24", statement.StorageQuantity);
        Assert.Equal(1.20m, BillingFixture.Of(statement.Total));
        Assert.Equal(2, statement.SnapshotCount);
        Assert.Equal(statement.EndTime, statement.ChargedUntilTime);

        // 30 GB for 9 of 31 days.
        statement = await fixture.StatementAsync(subscription, "2025-12");
        Assert.Equal("8.709677419355", statement.StorageQuantity);
        Assert.Equal(0.435484m, BillingFixture.Of(statement.Total));
        Assert.Equal(1, statement.SnapshotCount);

        Assert.Empty((await fixture.StatementAsync(subscription, "2025-10")).Lines);
    }

    [Fact]
    public async Task What_is_still_kept_is_charged_up_to_now()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2027, 6, 1, 0, 0, 0, TimeSpan.Zero));
        await using var host = await fixture.StartAsync(builder => builder.WithTime(time));
        var client = new StatementService.StatementServiceClient(host.ChannelAs(TestPrincipal.Reader));
        var subscription = BillingFixture.NewSubscription();
        await fixture.PublishAsync(BillingFixture.VersionOf(subscription), 30 * BillingFixture.Gb, time.GetUtcNow(), [("eastus", 1)]);
        await fixture.RecordedAsync(subscription, 1);
        var request = new GetStatementRequest { Name = $"subscriptions/{subscription}/statements/2027-06" };

        Assert.Equal("0", (await client.GetStatementAsync(request)).Statement.StorageQuantity);
        time.Advance(TimeSpan.FromDays(10));
        var statement = (await client.GetStatementAsync(request)).Statement;
        Assert.Equal("10", statement.StorageQuantity);
        Assert.Equal(time.GetUtcNow(), statement.ChargedUntilTime.ToDateTimeOffset());
        time.Advance(TimeSpan.FromDays(60));
        Assert.Equal(1.5m, BillingFixture.Of((await client.GetStatementAsync(request)).Statement.Total));
    }

    [Fact]
    public async Task Lines_are_grouped_as_asked_and_always_add_up()
    {
        var subscription = BillingFixture.NewSubscription();
        var odd = (7 * BillingFixture.Gb) + 12_345;
        await fixture.PublishAsync(
            BillingFixture.VersionOf(subscription),
            odd,
            November.AddMinutes(77),
            [("eastus", 2), ("westus", 1), ("northeurope", 1)]
        );
        await fixture.PublishAsync(
            BillingFixture.VersionOf(subscription, "2.0.0"),
            odd,
            November.AddMinutes(99),
            [("eastus", 1), ("westus", 1)]
        );
        await fixture.PublishAsync(
            BillingFixture.VersionOf(subscription).Replace("images/ubuntu", "images/debian", StringComparison.Ordinal),
            odd,
            November.AddHours(5),
            [("eastus", 1)]
        );
        await fixture.PublishAsync(
            BillingFixture.VersionOf(subscription).Replace("rg1", "rg2", StringComparison.Ordinal),
            odd,
            November.AddHours(5),
            [("eastus", 1)],
            StorageAccountType.PremiumLrs
        );
        await fixture.RecordedAsync(subscription, 8);
        var root = $"subscriptions/{subscription}/resourceGroups";
        var expected = new Dictionary<StatementGrouping, (int Storage, int Egress, string[] Resources)>
        {
            [StatementGrouping.Unspecified] = (4, 2, [""]),
            [StatementGrouping.Meter] = (2, 2, [""]), // Egress within and between continents has two prices.
            [StatementGrouping.Region] = (4, 2, [""]),
            [StatementGrouping.Version] = (
                7,
                3,
                [
                    $"{root}/rg1/galleries/prod/images/debian/versions/1.0.0",
                    $"{root}/rg1/galleries/prod/images/ubuntu/versions/1.0.0",
                    $"{root}/rg1/galleries/prod/images/ubuntu/versions/2.0.0",
                    $"{root}/rg2/galleries/prod/images/ubuntu/versions/1.0.0",
                ]
            ),
            [StatementGrouping.Definition] = (
                5,
                2,
                [
                    $"{root}/rg1/galleries/prod/images/debian",
                    $"{root}/rg1/galleries/prod/images/ubuntu",
                    $"{root}/rg2/galleries/prod/images/ubuntu",
                ]
            ),
            [StatementGrouping.Gallery] = (4, 2, [$"{root}/rg1/galleries/prod", $"{root}/rg2/galleries/prod"]),
            [StatementGrouping.ResourceGroup] = (4, 2, [$"{root}/rg1", $"{root}/rg2"]),
        };
        var totals = new HashSet<decimal>();

        foreach (var (grouping, (storage, egress, resources)) in expected)
        {
            var statement = await fixture.StatementAsync(subscription, "2025-11", grouping);
            Assert.Equal(storage, statement.Lines.Count(line => line.Meter != Meter.InterRegionEgress));
            Assert.Equal(egress, statement.Lines.Count(line => line.Meter == Meter.InterRegionEgress));
            Assert.Equal(resources, statement.Lines.Select(line => line.Resource).Distinct().Order(StringComparer.Ordinal));
            Assert.Equal(BillingFixture.Of(statement.Total), statement.Lines.Sum(line => BillingFixture.Of(line.Amount)));
            Assert.Equal(8, statement.Lines.Sum(line => line.SnapshotCount));
            Assert.Equal(grouping == StatementGrouping.Meter, statement.Lines.All(line => line.Region.Length == 0));
            totals.Add(BillingFixture.Of(statement.Total));
        }

        Assert.Single(totals);
    }

    [Fact]
    public async Task A_long_statement_comes_in_pages_that_belong_together()
    {
        var subscription = BillingFixture.NewSubscription();
        for (var version = 0; version < 5; version++)
        {
            await fixture.PublishAsync(
                BillingFixture.VersionOf(subscription, $"1.0.{version}"),
                BillingFixture.Gb / 3,
                November,
                [("eastus", 1), ("westus", 1)]
            );
        }

        await fixture.RecordedAsync(subscription, 10);
        var request = new GetStatementRequest
        {
            Name = $"subscriptions/{subscription}/statements/2025-11",
            GroupBy = StatementGrouping.Version,
            PageSize = 4,
        };
        var lines = new List<ChargeLine>();
        Statement statement;
        do
        {
            var page = await fixture.Statements().GetStatementAsync(request);
            statement = page.Statement;
            Assert.InRange(statement.Lines.Count, 1, 4);
            lines.AddRange(statement.Lines);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        Assert.Equal(15, lines.Count);
        Assert.Equal(BillingFixture.Of(statement.Total), lines.Sum(line => BillingFixture.Of(line.Amount)));
        Assert.Equal(lines, (await fixture.StatementAsync(subscription, "2025-11", StatementGrouping.Version)).Lines);
    }

    [Theory]
    [InlineData("")]
    [InlineData("subscriptions/x/statements/2025-11")]
    [InlineData("{s}")]
    [InlineData("{s}/statements")]
    [InlineData("{s}/statements/")]
    [InlineData("{s}/statements/2025")]
    [InlineData("{s}/statements/2025-13")]
    [InlineData("{s}/statements/2025-1")]
    [InlineData("{s}/statements/2025-11-01")]
    [InlineData("{s}/statements/1999-12")]
    [InlineData("{s}/statements/9999-12")]
    [InlineData("{s}/statements/november")]
    [InlineData("{s}/statements/9000-01")] // Has not begun.
    public async Task Months_that_are_none_are_refused(string name)
    {
        var refused = await Refused.WithAsync(
            () =>
                fixture
                    .Statements()
                    .GetStatementAsync(
                        new GetStatementRequest
                        {
                            Name = name.Replace("{s}", $"subscriptions/{BillingFixture.NewSubscription()}", StringComparison.Ordinal),
                        }
                    ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Equal(["name"], refused.Fields);
    }

    [Fact]
    public async Task Other_malformed_requests_are_refused()
    {
        await FieldAsync("group_by", request => request.GroupBy = (StatementGrouping)42);
        await FieldAsync("page_size", request => request.PageSize = -1);
        await FieldAsync("page_token", request => request.PageToken = "AAAA");

        // A token that was made up for the right list, with nonsense in it.
        var name = $"subscriptions/{BillingFixture.NewSubscription()}/statements/2025-11";
        var page = ServiceDefaults.Paging.PageRequest.From(0, "", $"{name}|{StatementGrouping.Unspecified}");
        foreach (var nonsense in new[] { "x", "1/2/3", "99999999999999999999/0", "638900000000000000/-1", "3155378975999999999/0", "0/0" })
        {
            await FieldAsync("page_token", request => (request.Name, request.PageToken) = (name, page.TokenAfter(nonsense)));
        }

        async Task FieldAsync(string field, Action<GetStatementRequest> spoil)
        {
            var request = new GetStatementRequest { Name = $"subscriptions/{BillingFixture.NewSubscription()}/statements/2025-11" };
            spoil(request);
            var refused = await Refused.WithAsync(
                () => fixture.Statements().GetStatementAsync(request),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            Assert.Equal([field], refused.Fields);
        }
    }

    [Fact]
    public async Task Bills_of_others_and_of_unknown_subscriptions_are_nobodys_business()
    {
        var others = new GetStatementRequest { Name = $"subscriptions/{TestPrincipal.SubscriptionB}/statements/2025-11" };
        var refused = await Refused.WithAsync(
            () => fixture.Statements(TestPrincipal.Owner).GetStatementAsync(others),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Equal("Gallery.Billing/statements/read", refused.Metadata["action"]);

        var unknown = new GetStatementRequest { Name = $"subscriptions/{Guid.NewGuid()}/statements/2025-11" };
        await Refused.WithAsync(
            () => fixture.Statements(TestPrincipal.OtherOwner).GetStatementAsync(unknown),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => new StatementService.StatementServiceClient(fixture.Host.AnonymousChannel()).GetStatementAsync(others),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
    }

    [Fact]
    public async Task Prices_that_changed_within_the_month_are_charged_each_for_its_time()
    {
        await using var host = await fixture.StartAsync(builder => PriceSheetTests.Configure(builder, "2025-11-16T00:00:00Z"));
        var subscription = BillingFixture.NewSubscription();
        await fixture.PublishAsync(
            BillingFixture.VersionOf(subscription),
            10 * BillingFixture.Gb,
            November,
            [("eastus", 1), ("westus", 1)]
        );
        await fixture.RecordedAsync(subscription, 2);

        var statement = (
            await new StatementService.StatementServiceClient(host.ChannelAs(TestPrincipal.Reader)).GetStatementAsync(
                new GetStatementRequest { Name = $"subscriptions/{subscription}/statements/2025-11", GroupBy = StatementGrouping.Meter }
            )
        ).Statement;

        Assert.Equal("EUR", statement.Total.CurrencyCode);
        Assert.Equal(
            [("10", 100_000_000), ("10", 200_000_000), ("10", 10_000_000)],
            statement.Lines.Select(line => (line.Quantity, line.UnitPrice.Nanos))
        );
        Assert.Equal((3, 100_000_000), (statement.Total.Units, statement.Total.Nanos));
    }

    private Task EndedAsync(string subscription, int count) =>
        Eventually.Async(async () =>
            (
                await fixture.Usage().ListUsageIntervalsAsync(new ListUsageIntervalsRequest { Parent = $"subscriptions/{subscription}" })
            ).UsageIntervals.Count(each => each.EndTime is not null) == count
        );
}
