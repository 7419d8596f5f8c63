using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Cli.Regions;

/// <summary><c>region access request|list|review</c>: who may use the restricted regions.</summary>
internal static class RegionAccessCommands
{
    private const string Segment = "regionAccessRequests";

    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("access", "Access of subscriptions to restricted regions.") { Request(host), List(host), Review(host) };

    private static Command Request(CommandHost host)
    {
        var region = RegionCommands.RegionArgument();
        var reason = RegionCommands.ReasonOption("Why: shown to whoever reviews the request.");
        return host.Handle(
            new Command("request", "Asks that your subscription may use a restricted region.") { region, reason },
            async invocation =>
            {
                var request = new RequestRegionAccessRequest
                {
                    Parent = $"subscriptions/{invocation.Subscription()}",
                    Region = invocation.Required(region),
                    Justification = invocation.Get(reason) ?? "",
                };
                var answer = await invocation.Services.Regions.RequestRegionAccessAsync(
                    request,
                    cancellationToken: invocation.Cancellation
                );
                Write(invocation.Result, answer.Request);
            }
        );
    }

    private static Command List(CommandHost host)
    {
        var all = new Option<bool>("--all-subscriptions") { Description = "Requests of all subscriptions. For operators." };
        var state = new Option<RegionAccessState>("--state")
        {
            Description = "Only requests that are pending, approved, denied, revoked or expired.",
            HelpName = "STATE",
        };
        return host.Handle(
            new Command("list", "Lists requests for access to restricted regions, newest first.") { all, state },
            async invocation =>
            {
                var parent = invocation.Get(all) ? "subscriptions/-" : $"subscriptions/{invocation.Subscription()}";
                var requests = await Pages.ReadAllAsync(async page =>
                {
                    var answer = await invocation.Services.Regions.ListRegionAccessRequestsAsync(
                        new ListRegionAccessRequestsRequest
                        {
                            Parent = parent,
                            PageSize = Pages.Size,
                            PageToken = page,
                            State = invocation.Get(state),
                        },
                        cancellationToken: invocation.Cancellation
                    );
                    return ((IEnumerable<RegionAccessRequest>)answer.Requests, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    requests,
                    new Column<RegionAccessRequest>("SUBSCRIPTION", SubscriptionOf),
                    new Column<RegionAccessRequest>("REGION", request => request.Region),
                    new Column<RegionAccessRequest>("STATE", request => Human.Words(request.State)),
                    new Column<RegionAccessRequest>("REQUESTED", request => Human.Time(request.CreateTime)),
                    new Column<RegionAccessRequest>("BY", request => request.Requester?.DisplayName ?? ""),
                    new Column<RegionAccessRequest>("ENDS", request => Human.Time(request.ExpireTime)),
                    new Column<RegionAccessRequest>(
                        "REASON",
                        request => request.ReviewReason.Length > 0 ? request.ReviewReason : request.Justification
                    )
                );
            }
        );
    }

    private static Command Review(CommandHost host)
    {
        var name = new Argument<string>("REQUEST")
        {
            Description = "The region whose request by --subscription is meant, or the request's full name.",
        };
        var approve = new Option<bool>("--approve") { Description = "The subscription may use the region." };
        var deny = new Option<bool>("--deny") { Description = "It may not." };
        var revoke = new Option<bool>("--revoke") { Description = "It might, and may not any more. Replicas that are there stay." };
        var reason = RegionCommands.ReasonOption("Why: shown to the subscription. Required unless approved.");
        var days = new Option<double?>("--days") { Description = "The approval ends after so many days.", HelpName = "DAYS" };
        days.Validators.Add(result =>
        {
            // Read from its text: the library's own value of what is no number ends in an exception.
            if (
                result.Tokens is [var token]
                && !(
                    double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var given)
                    && given is > 0 and <= 36500
                )
            )
            {
                result.AddError("--days is a number above 0, 36500 at the most.");
            }
        });
        var command = new Command("review", "Decides on a request for access. For operators.")
        {
            name,
            approve,
            deny,
            revoke,
            reason,
            days,
        };
        command.Validators.Add(result =>
        {
            if (new[] { approve, deny, revoke }.Count(option => result.GetValue(option)) != 1)
            {
                result.AddError("Say one of --approve, --deny and --revoke.");
            }
        });
        return host.Handle(
            command,
            async invocation =>
            {
                var text = invocation.Required(name).Trim('/');
                var request = new ReviewRegionAccessRequest
                {
                    Name = text.Contains('/') ? text : $"subscriptions/{invocation.Subscription()}/{Segment}/{text}",
                    Decision =
                        invocation.Get(approve) ? RegionAccessState.Approved
                        : invocation.Get(deny) ? RegionAccessState.Denied
                        : RegionAccessState.Revoked,
                    Reason = invocation.Get(reason) ?? "",
                    ExpireTime = invocation.Get(days) is { } lasting
                        ? Timestamp.FromDateTimeOffset(invocation.Surroundings.Time.GetUtcNow() + TimeSpan.FromDays(lasting))
                        : null,
                };
                var answer = await invocation.Services.Regions.ReviewRegionAccessAsync(request, cancellationToken: invocation.Cancellation);
                Write(invocation.Result, answer.Request);
            }
        );
    }

    private static void Write(ResultWriter result, RegionAccessRequest request) =>
        result.WriteResource(
            request,
            [
                ("Subscription", SubscriptionOf(request)),
                ("Region", request.Region),
                ("State", Human.Words(request.State)),
                ("Requested", Human.Time(request.CreateTime)),
                ("By", request.Requester?.DisplayName ?? ""),
                ("Because", request.Justification),
                ("Decided", Human.Time(request.ReviewTime)),
                ("Decided by", request.Reviewer?.DisplayName ?? ""),
                ("Reason", request.ReviewReason),
                ("Ends", Human.Time(request.ExpireTime)),
                ("Name", request.Name),
            ]
        );

    private static string SubscriptionOf(RegionAccessRequest request) => request.Name.Split('/') is [_, var id, ..] ? id : "";
}
