using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>
/// Watches the rows of a version while processes die around it, comes back whenever the stream breaks, and keeps all that it was told and
/// every contradiction in it.
/// </summary>
public sealed class StatusWatcher : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly GallerySuite _suite;
    private readonly string _version;
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentQueue<ReplicationStatus> _seen = [];
    private readonly ConcurrentQueue<string> _contradictions = [];
    private readonly Task _watching;

    private StatusWatcher(GallerySuite suite, string version)
    {
        (_suite, _version) = (suite, version);
        _watching = WatchAsync();
    }

    /// <summary>All that was told, in order.</summary>
    public IReadOnlyList<ReplicationStatus> Seen => [.. _seen];

    /// <summary>What can't be true.</summary>
    public IReadOnlyList<string> Contradictions => [.. _contradictions];

    /// <summary>Begins to watch a version, which need not exist yet.</summary>
    /// <param name="suite">The house.</param>
    /// <param name="version">Resource name of the version.</param>
    public static StatusWatcher Start(GallerySuite suite, string version) => new(suite, version);

    /// <summary>All rows of a region, in order.</summary>
    public IEnumerable<RegionalReplicationStatus> RowsOf(string region) =>
        _seen.Select(status => status.Summary.FirstOrDefault(row => row.Region == region)).OfType<RegionalReplicationStatus>();

    /// <summary>The row of a region that was told last; null when none was.</summary>
    public RegionalReplicationStatus? RowOf(string region) => RowsOf(region).LastOrDefault();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _watching;
        _ending.Dispose();
    }

    private async Task WatchAsync()
    {
        ReplicationStatus? before = null;
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                var client = new ReplicationService.ReplicationServiceClient(await _suite.CallAsAsync("owner", "replication"));
                using var call = client.WatchReplicationStatus(
                    new WatchReplicationStatusRequest { Version = _version },
                    cancellationToken: _ending.Token
                );
                await foreach (var message in call.ResponseStream.ReadAllAsync(_ending.Token))
                {
                    var after = message.Status;
                    foreach (var wrong in StatusTruth.Contradictions(before, after))
                    {
                        _contradictions.Enqueue(wrong);
                    }

                    _seen.Enqueue(after);
                    await CheckCompletedAsync(client, before, after);
                    before = after;
                }
            }
            catch (RpcException error) when (!_ending.IsCancellationRequested)
            {
                // Not there yet, or somebody on the way is away; but no answer of the service itself may leave the caller helpless.
                if (error is { StatusCode: StatusCode.Unknown or StatusCode.Internal, Status.DebugException: null })
                {
                    _contradictions.Enqueue($"The watch ended with {error.Status}");
                }
            }
            catch (Exception exception) when (exception is RpcException or OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Pause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A row that says complete stands for replicas that are ready and verified, at the moment it says so.</summary>
    private async Task CheckCompletedAsync(
        ReplicationService.ReplicationServiceClient client,
        ReplicationStatus? before,
        ReplicationStatus after
    )
    {
        foreach (var row in after.Summary.Where(row => row.State == RegionalReplicationState.Completed))
        {
            if (before?.Summary.Any(other => other.Region == row.Region && other.State == row.State) == true)
            {
                continue;
            }

            var request = new ListReplicasRequest { Parent = _version, Region = row.Region };
            var replicas = (await client.ListReplicasAsync(request, cancellationToken: _ending.Token)).Replicas;
            var verified = replicas.Count(replica =>
                replica is { State: ReplicaState.Ready, LastVerifiedTime: not null } && replica.CopiedBytes == replica.TotalBytes
            );
            if (verified < row.TargetReplicaCount)
            {
                _contradictions.Enqueue($"Complete with {verified} verified replicas: {row}");
            }
        }
    }
}
