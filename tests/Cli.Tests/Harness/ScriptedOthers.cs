using System.Collections.Concurrent;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Grpc.Core;

namespace Gallery.Cli.Tests.Harness;

/// <summary>Sharing's directory.</summary>
internal sealed class ScriptedSharing : SubscriptionService.SubscriptionServiceBase
{
    public List<Subscription> Subscriptions { get; } = [new() { Name = $"subscriptions/{House.Subscription}", DisplayName = "Contoso" }];

    public ConcurrentQueue<string> Tokens { get; } = new();

    public override Task<ListSubscriptionsResponse> ListSubscriptions(ListSubscriptionsRequest request, ServerCallContext context)
    {
        Tokens.Enqueue(context.RequestHeaders.GetValue("authorization") ?? "");
        var answer = new ListSubscriptionsResponse();
        answer.Subscriptions.AddRange(Subscriptions);
        return Task.FromResult(answer);
    }
}

/// <summary>Billing: answers whatever is asked with the same figures.</summary>
internal sealed class ScriptedBilling
{
    public ScriptedBilling() => Services = [new EstimatesPart(this), new StatementsPart(this)];

    private const string Ubuntu = $"subscriptions/{House.Subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu";

    public object[] Services { get; }

    public ConcurrentQueue<object> Requests { get; } = new();

    private static ChargeLine Storage(string resource) =>
        new()
        {
            Meter = Meter.StandardLrsSnapshot,
            Resource = resource,
            Region = "westus",
            SnapshotCount = 6,
            BilledBytes = 60L << 30,
            Quantity = "60",
            Unit = "GB-month",
            UnitPrice = new Money { CurrencyCode = "USD", Nanos = 50_000_000 },
            Amount = new Money { CurrencyCode = "USD", Units = 3 },
        };

    private sealed class EstimatesPart(ScriptedBilling billing) : EstimateService.EstimateServiceBase
    {
        public override Task<EstimateCostResponse> EstimateCost(EstimateCostRequest request, ServerCallContext context)
        {
            billing.Requests.Enqueue(request);
            return Task.FromResult(
                new EstimateCostResponse
                {
                    MonthlyLines = { Storage("") },
                    OneOffLines =
                    {
                        new ChargeLine
                        {
                            Meter = Meter.InterRegionEgress,
                            Region = "eastus",
                            SourceRegion = "westus",
                            CopyCount = 1,
                            Quantity = "10",
                            Unit = "GB",
                            UnitPrice = new Money { CurrencyCode = "USD", Nanos = 20_000_000 },
                            Amount = new Money { CurrencyCode = "USD", Nanos = 200_000_000 },
                        },
                    },
                    MonthlyTotal = new Money { CurrencyCode = "USD", Units = 3 },
                    OneOffTotal = new Money { CurrencyCode = "USD", Nanos = 200_000_000 },
                    OccupiedSizeBytes = request.OccupiedSizeBytes,
                    SourceRegion = "westus",
                    SnapshotCount = 6,
                }
            );
        }
    }

    private sealed class StatementsPart(ScriptedBilling billing) : StatementService.StatementServiceBase
    {
        public override Task<GetStatementResponse> GetStatement(GetStatementRequest request, ServerCallContext context)
        {
            billing.Requests.Enqueue(request);
            var first = request.PageToken.Length == 0;
            return Task.FromResult(
                new GetStatementResponse
                {
                    Statement = new Statement
                    {
                        Name = request.Name,
                        Month = request.Name.Split('/')[^1],
                        Lines = { Storage($"{Ubuntu}/versions/{(first ? "1.0.0" : "1.0.1")}") },
                        Total = new Money { CurrencyCode = "USD", Units = 6 },
                    },
                    NextPageToken = first ? "more" : "",
                }
            );
        }
    }
}
