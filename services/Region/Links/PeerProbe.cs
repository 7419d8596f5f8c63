using System.Diagnostics;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Content;
using Gallery.ServiceDefaults.Telemetry;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Health.V1;

namespace Gallery.Region.Links;

/// <summary>Another node to measure.</summary>
/// <param name="Region">The region it serves.</param>
/// <param name="Address">Its gRPC address.</param>
internal sealed record Peer(string Region, Uri Address);

/// <summary>
/// Measures round trips to other nodes, over the very connections that pulls go over. What is asked is the health service: every node has it,
/// it wants no token, and it costs next to nothing.
/// </summary>
internal sealed class PeerProbe(RemoteNodes nodes, LinkMeters meters)
{
    private const int RoundTrips = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>Measures all at once.</summary>
    public Task<PeerLink[]> MeasureAsync(IEnumerable<Peer> peers, CancellationToken cancellationToken) =>
        Task.WhenAll(peers.Select(peer => MeasureAsync(peer, cancellationToken)));

    private async Task<PeerLink> MeasureAsync(Peer peer, CancellationToken cancellationToken)
    {
        var rate = meters.RateOf(peer.Region);
        var link = new PeerLink
        {
            Region = peer.Region,
            BytesPerSecond = rate.BytesPerSecond,
            ThroughputTime = rate.Time?.ToTimestamp(),
        };
        try
        {
            var shortest = await ShortestAsync(peer.Address, cancellationToken);
            link.Reachable = true;
            link.RoundTripMicros = Math.Max(1, (long)shortest.TotalMicroseconds);
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            link.Details = error.StatusCode == StatusCode.DeadlineExceeded ? "no answer in time" : Describe(error);
        }

        return link;
    }

    private async Task<TimeSpan> ShortestAsync(Uri address, CancellationToken cancellationToken)
    {
        using var untraced = Untraced.Begin();
        var client = new Health.HealthClient(nodes.InvokerOf(address));
        var limit = DateTime.UtcNow + Limit;
        var shortest = TimeSpan.MaxValue;
        for (var number = 0; number <= RoundTrips; number++)
        {
            var start = Stopwatch.GetTimestamp();
            await client.CheckAsync(new HealthCheckRequest(), deadline: limit, cancellationToken: cancellationToken);
            var took = Stopwatch.GetElapsedTime(start);
            // The first one may have to connect.
            shortest = number == 0 || took > shortest ? shortest : took;
        }

        return shortest;
    }

    private static string Describe(RpcException error)
    {
        Exception cause = error.Status.DebugException ?? error;
        while (cause.InnerException is { } inner)
        {
            cause = inner;
        }

        return ErrorTexts.Shorten(cause is RpcException rpc ? rpc.Status.Detail : cause.Message);
    }
}
