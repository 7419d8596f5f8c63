using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Gallery.LocalHosting.Protos.Dashboard;
using Gallery.LocalHosting.Running;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting.Dashboard;

/// <summary>Lets a real Aspire dashboard attach: it sees and commands the same resources as the page.</summary>
internal sealed class DashboardGrpcService(
    ResourceBoard board,
    ConsoleLogs logs,
    Orchestrator orchestrator,
    IHostApplicationLifetime lifetime,
    IConfiguration configuration
) : DashboardService.DashboardServiceBase
{
    private const string KeyHeader = "x-resource-service-api-key";
    private const int MostLinesAtOnce = 200;

    public override Task<ApplicationInformationResponse> GetApplicationInformation(
        ApplicationInformationRequest request,
        ServerCallContext context
    )
    {
        RequireKey(context);
        return Task.FromResult(new ApplicationInformationResponse { ApplicationName = "Gallery" });
    }

    public override async Task WatchResources(
        WatchResourcesRequest request,
        IServerStreamWriter<WatchResourcesUpdate> responseStream,
        ServerCallContext context
    )
    {
        RequireKey(context);
        await UntilItEndsAsync(
                context,
                async cancellationToken =>
                {
                    using var subscription = board.Watch();
                    var instances = subscription.Initial.ToDictionary(snapshot => snapshot.Name, snapshot => snapshot.InstanceName);
                    var initial = new InitialResourceData();
                    initial.Resources.AddRange(subscription.Initial.Select(snapshot => ResourceMapper.Map(snapshot, instances)));
                    await responseStream
                        .WriteAsync(new WatchResourcesUpdate { InitialData = initial }, cancellationToken)
                        .ConfigureAwait(false);

                    while (await subscription.Changes.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
                    {
                        var changes = new WatchResourcesChanges();
                        while (subscription.Changes.TryRead(out var snapshot))
                        {
                            instances[snapshot.Name] = snapshot.InstanceName;
                            changes.Value.Add(new WatchResourcesChange { Upsert = ResourceMapper.Map(snapshot, instances) });
                        }

                        await responseStream
                            .WriteAsync(new WatchResourcesUpdate { Changes = changes }, cancellationToken)
                            .ConfigureAwait(false);
                    }
                }
            )
            .ConfigureAwait(false);
    }

    public override async Task WatchResourceConsoleLogs(
        WatchResourceConsoleLogsRequest request,
        IServerStreamWriter<WatchResourceConsoleLogsUpdate> responseStream,
        ServerCallContext context
    )
    {
        RequireKey(context);
        if (board.Find(request.ResourceName) is not { IsProcess: true } snapshot)
        {
            return;
        }

        var log = logs.Of(snapshot.Name);
        await UntilItEndsAsync(
                context,
                async cancellationToken =>
                {
                    var follower = Channel.CreateUnbounded<ConsoleLine>(new UnboundedChannelOptions { SingleReader = true });
                    var kept = log.Follow(follower);
                    try
                    {
                        foreach (var chunk in kept.Chunk(MostLinesAtOnce))
                        {
                            await WriteAsync(responseStream, chunk, cancellationToken).ConfigureAwait(false);
                        }

                        while (!request.SuppressFollow && await follower.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
                        {
                            var lines = new List<ConsoleLine>();
                            while (lines.Count < MostLinesAtOnce && follower.Reader.TryRead(out var line))
                            {
                                lines.Add(line);
                            }

                            await WriteAsync(responseStream, lines, cancellationToken).ConfigureAwait(false);
                        }
                    }
                    finally
                    {
                        log.Unfollow(follower);
                    }
                }
            )
            .ConfigureAwait(false);
    }

    public override async Task<ResourceCommandResponse> ExecuteResourceCommand(ResourceCommandRequest request, ServerCallContext context)
    {
        RequireKey(context);
        var problem = await orchestrator.ExecuteAsync(request.ResourceName, request.CommandName).ConfigureAwait(false);
        return problem is null
            ? new ResourceCommandResponse { Kind = ResourceCommandResponseKind.Succeeded }
            : new ResourceCommandResponse { Kind = ResourceCommandResponseKind.Failed, Message = problem };
    }

    /// <summary>There are no questions; the dashboard needs the stream all the same, and open.</summary>
    public override async Task WatchInteractions(
        IAsyncStreamReader<WatchInteractionsRequestUpdate> requestStream,
        IServerStreamWriter<WatchInteractionsResponseUpdate> responseStream,
        ServerCallContext context
    )
    {
        RequireKey(context);
        await UntilItEndsAsync(
                context,
                async cancellationToken =>
                {
                    while (await requestStream.MoveNext(cancellationToken).ConfigureAwait(false))
                    {
                        // Nothing the dashboard says here needs an answer.
                    }
                }
            )
            .ConfigureAwait(false);
    }

    private static Task WriteAsync(
        IServerStreamWriter<WatchResourceConsoleLogsUpdate> stream,
        IEnumerable<ConsoleLine> lines,
        CancellationToken cancellationToken
    )
    {
        var update = new WatchResourceConsoleLogsUpdate();
        update.LogLines.AddRange(
            lines.Select(line => new ConsoleLogLine
            {
                Text = line.Stamped,
                IsStdErr = line.IsError,
                LineNumber = line.Number,
            })
        );
        return stream.WriteAsync(update, cancellationToken);
    }

    /// <summary>Streams end quietly when the dashboard goes, and when the host does, which would otherwise wait for them.</summary>
    private async Task UntilItEndsAsync(ServerCallContext context, Func<CancellationToken, Task> stream)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await stream(end.Token).ConfigureAwait(false);
        }
        catch (Exception ended) when (end.IsCancellationRequested && ended is OperationCanceledException or IOException)
        {
            // Asked for.
        }
    }

    private void RequireKey(ServerCallContext context)
    {
        var expected = configuration["AppHost:ResourceService:ApiKey"];
        if (
            !string.IsNullOrEmpty(expected)
            && !CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(context.RequestHeaders.GetValue(KeyHeader) ?? ""),
                Encoding.UTF8.GetBytes(expected)
            )
        )
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, $"The header {KeyHeader} is missing or wrong."));
        }
    }
}
