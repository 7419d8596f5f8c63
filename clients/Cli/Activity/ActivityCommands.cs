using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Cli.Activity;

/// <summary><c>activity list</c>.</summary>
internal static class ActivityCommands
{
    private const int DefaultLimit = 50;

    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) => new("activity", "Who changed what, when, and how it ended.") { List(host) };

    private static Command List(CommandHost host)
    {
        var resource = new Argument<string?>("RESOURCE")
        {
            Description = "A resource's full name, what lies below it included; the subscription, or --group, when left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var limit = new Option<int>("--limit")
        {
            Description = "At most so many, the newest.",
            DefaultValueFactory = _ => DefaultLimit,
            HelpName = "COUNT",
        };
        limit.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, CultureInfo.InvariantCulture, out var given) && given > 0))
            {
                result.AddError("--limit is a whole number from 1.");
            }
        });
        var command = new Command("list", "Lists the activity log, newest first.") { resource, limit };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var parent = Parent(invocation, invocation.Get(resource), names);
                var most = invocation.Get(limit);
                var entries = await Pages.ReadAllAsync(
                    async page =>
                    {
                        var request = new ListActivityLogEntriesRequest
                        {
                            Parent = parent,
                            PageSize = Math.Min(most, Pages.Size),
                            PageToken = page,
                        };
                        var answer = await invocation.Services.Activity.ListActivityLogEntriesAsync(
                            request,
                            cancellationToken: invocation.Cancellation
                        );
                        return ((IEnumerable<ActivityLogEntry>)answer.Entries, answer.NextPageToken);
                    },
                    most
                );
                invocation.Result.WriteList(
                    entries,
                    new Column<ActivityLogEntry>("TIME", entry => Human.Time(entry.EventTime)),
                    new Column<ActivityLogEntry>(
                        "CALLER",
                        entry => entry.Caller?.DisplayName is { Length: > 0 } name ? name : entry.Caller?.ObjectId ?? ""
                    ),
                    new Column<ActivityLogEntry>("OPERATION", entry => Operation(entry.OperationName)),
                    new Column<ActivityLogEntry>("STATUS", entry => Human.Words(entry.Status)),
                    new Column<ActivityLogEntry>("OUTCOME", entry => entry.SubStatus),
                    new Column<ActivityLogEntry>("RESOURCE", entry => ResourceName.TryParse(entry.Resource)?.Short ?? entry.Resource)
                );
            }
        );
    }

    private static string Parent(Invocation invocation, string? resource, NameOptions names)
    {
        var parts = names.Of(invocation);
        return resource switch
        {
            { Length: > 0 } when ResourceName.IsFull(resource) => resource.Trim('/'),
            { Length: > 0 } => throw CommandFailure.Usage($"'{resource}' is not a full name.", "Expected: subscriptions/{s}/…"),
            _ when parts.Group is null => $"subscriptions/{invocation.Subscription()}",
            _ => invocation.Resolve(ResourceKind.Group, null, parts).ToString(),
        };
    }

    private static string Operation(string name)
    {
        const string provider = "Microsoft.Compute/";
        return name.StartsWith(provider, StringComparison.OrdinalIgnoreCase) ? name[provider.Length..] : name;
    }
}
