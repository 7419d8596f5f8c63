using System.Globalization;
using System.Numerics;
using Gallery.Billing.Charges;
using Gallery.Billing.Prices;
using Gallery.Billing.Regions;
using Gallery.Billing.Usage;
using Gallery.Contracts.Billing.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Billing.Statements;

/// <summary>Bills subscriptions by month.</summary>
internal sealed class StatementGrpcService(
    UsageStore usage,
    PriceBook prices,
    RegionDirectory regions,
    IAccessChecker access,
    TimeProvider clock
) : StatementService.StatementServiceBase
{
    private const string ReadAction = "Gallery.Billing/statements/read";

    public override async Task<GetStatementResponse> GetStatement(GetStatementRequest request, ServerCallContext context)
    {
        var name = StatementName.Require(request.Name, "name");
        if (!System.Enum.IsDefined(request.GroupBy))
        {
            throw GalleryError.InvalidParameter(
                "group_by",
                $"Must be one of {string.Join(", ", System.Enum.GetNames<StatementGrouping>())}."
            );
        }

        var page = PageRequest.From(
            request.PageSize == 0 ? PageRequest.LargestSize : request.PageSize,
            request.PageToken,
            $"{name.Value}|{request.GroupBy}"
        );
        await access.RequireAsync(context, ReadAction, name.Subscription.Value, context.CancellationToken);

        var now = clock.GetUtcNow();
        if (name.Month.Start > now)
        {
            throw GalleryError.InvalidParameter("name", $"The month {name.Month} has not begun; it is {BillingMonth.Of(now)} in UTC.");
        }

        var (until, firstLine) = Position.Read(page.After, now < name.Month.End ? now : name.Month.End, name.Month);
        var bill = await ComputeAsync(name, until, request.GroupBy, context.CancellationToken);
        var lines = bill.StorageLines.Concat(bill.EgressLines).ToArray();
        var nextLine = firstLine + page.Size;
        return new GetStatementResponse
        {
            Statement = ToContract(name, until, bill, lines.Skip(firstLine).Take(page.Size)),
            NextPageToken = nextLine < lines.Length ? page.TokenAfter(new Position(until, nextLine).ToString()) : "",
        };
    }

    private async Task<Bill> ComputeAsync(
        StatementName name,
        DateTimeOffset until,
        StatementGrouping grouping,
        CancellationToken cancellationToken
    )
    {
        var subscription = name.Subscription.SubscriptionId;
        var month = name.Month;
        var egress = new List<EgressRecord>();
        await foreach (var record in usage.EgressAsync(subscription, month.Start, month.End, cancellationToken))
        {
            egress.Add(record);
        }

        // Continents decide about the price of egress alone: without any, a bill needs nobody else.
        var map = egress.Count == 0 ? new RegionMap([]) : await regions.GetAsync(cancellationToken);
        var calculator = new ChargeCalculator(month, until, grouping, prices, map);
        foreach (var record in egress)
        {
            calculator.Add(
                new EgressUse(record.Version, record.SourceRegion, record.TargetRegion, record.BilledBytes, record.Time.ToDateTimeOffset())
            );
        }

        await foreach (var interval in usage.IntervalsAsync(subscription, month.Start, month.End, cancellationToken))
        {
            calculator.Add(
                new StorageUse(
                    interval.Version,
                    interval.Region,
                    interval.StorageAccountType,
                    interval.OccupiedSizeBytes,
                    interval.StartTime.ToDateTimeOffset(),
                    interval.EndTime?.ToDateTimeOffset()
                )
            );
        }

        return calculator.ToBill();
    }

    private Statement ToContract(StatementName name, DateTimeOffset until, Bill bill, IEnumerable<ChargeLine> lines) =>
        new()
        {
            Name = name.Value,
            Month = name.Month.ToString(),
            StartTime = name.Month.Start.ToTimestamp(),
            EndTime = name.Month.End.ToTimestamp(),
            ChargedUntilTime = until.ToTimestamp(),
            Lines = { lines },
            StorageTotal = Units.ToMoney(bill.StorageMicros, prices.Currency),
            EgressTotal = Units.ToMoney(bill.EgressMicros, prices.Currency),
            Total = Units.ToMoney(bill.StorageMicros + bill.EgressMicros, prices.Currency),
            SnapshotCount = bill.SnapshotCount,
            StorageQuantity = Units.ToQuantity(bill.ByteTicks, (BigInteger)Units.BytesPerGb * name.Month.Length.Ticks),
            EgressQuantity = Units.ToQuantity(bill.EgressBytes, Units.BytesPerGb),
        };

    /// <summary>Where a page begins: all pages of a statement are charged up to the same time.</summary>
    private readonly record struct Position(DateTimeOffset Until, int FirstLine)
    {
        public static Position Read(string text, DateTimeOffset now, BillingMonth month)
        {
            if (text.Length == 0)
            {
                return new Position(now, 0);
            }

            var parts = text.Split('/');
            return
                parts.Length == 2
                && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var line)
                && ticks >= month.Start.UtcTicks
                && ticks <= now.UtcTicks
                && line <= int.MaxValue - PageRequest.LargestSize
                ? new Position(new DateTimeOffset(ticks, TimeSpan.Zero), line)
                : throw GalleryError.InvalidParameter("page_token", "Must be the next_page_token of the page before.");
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Until.UtcTicks}/{FirstLine}");
    }
}
