using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;

namespace Gallery.Cli.Versions;

/// <summary><c>version watch</c>.</summary>
internal static class ReplicaWatchCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var name = VersionCommands.NameArgument();
        var regions = new Option<string[]>("--region") { Description = "Only this region; may be given several times." };
        var wait = new Option<string>("--wait")
        {
            Description =
                "When to end: 'all' regions are complete, 'any' is, or 'none' for never. Exit code 1 when it can't come any more.",
            DefaultValueFactory = _ => "all",
        };
        wait.AcceptOnlyFromAmong("all", "any", "none");
        var resume = new Option<string>("--resume")
        {
            Description = "Go on from a resume token of --output json: only what changed since is told.",
        };
        var command = new Command("watch", "Follows the replicas of a version one by one.") { name, regions, wait, resume };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, invocation.Get(name), names.Of(invocation));
                var request = new WatchReplicasRequest
                {
                    Parent = version.ToString(),
                    Regions = { invocation.Get(regions) ?? [] },
                    ResumeToken = invocation.Get(resume) ?? "",
                    Wait = invocation.Get(wait) switch
                    {
                        "any" => ReplicaWait.AnyRegion,
                        "none" => ReplicaWait.Unspecified,
                        _ => ReplicaWait.AllRegions,
                    },
                };
                using var watch = invocation.Services.Replication.WatchReplicas(request, cancellationToken: invocation.Cancellation);
                await foreach (var news in watch.ResponseStream.ReadAllAsync(invocation.Cancellation))
                {
                    Write(invocation, news);
                }
            }
        );
    }

    private static void Write(Invocation invocation, WatchReplicasResponse news)
    {
        if (invocation.Result.IsJson)
        {
            invocation.Result.WriteResource(news, []);
            return;
        }

        foreach (var replica in news.Replicas)
        {
            invocation.Result.Say($"{ShortName(replica)}: {Line(replica)}");
        }

        foreach (var uid in news.RemovedUids)
        {
            invocation.Result.Say($"{uid}: gone");
        }
    }

    private static string Line(Replica replica)
    {
        var text = Human.Words(replica.State);
        if (replica.State is Contracts.Events.V1.ReplicaState.Copying or Contracts.Events.V1.ReplicaState.Queued && replica.CopiedBytes > 0)
        {
            text += $" {Human.Bytes(replica.CopiedBytes)} of {Human.Bytes(replica.TotalBytes)}";
        }

        if (replica.BytesPerSecond > 0)
        {
            text += $", {Human.Bytes(replica.BytesPerSecond)}/s";
        }

        if (replica.TimeLeft is not null)
        {
            text += $", {Human.Span(replica.TimeLeft)} left";
        }

        return replica.Details.Length == 0 ? text : $"{text}: {replica.Details}";
    }

    private static string ShortName(Replica replica) => replica.Name[(replica.Name.LastIndexOf('/') + 1)..];
}
