using System.Net;
using System.Net.Http.Headers;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Links;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;
using Gallery.ServiceDefaults.Resilience;
using ZstdSharp;

namespace Gallery.Region.Content;

/// <summary>Takes blocks in bulk from another node's <see cref="BlocksEndpoint"/>.</summary>
/// <param name="client">Connections to nodes.</param>
/// <param name="node">The node's HTTP address.</param>
/// <param name="region">The region that the node is in.</param>
/// <param name="grant">The pull grant. A secret.</param>
/// <param name="speed">How fast the node was lately.</param>
/// <param name="limiter">Bounds the bytes a second.</param>
/// <param name="link">Measures how fast bytes come.</param>
/// <param name="timeout">A node that sends nothing for so long is given up.</param>
/// <param name="telemetry">Told of what came over the wire.</param>
internal sealed class BlocksClient(
    HttpClient client,
    Uri node,
    string region,
    string grant,
    LinkSpeed speed,
    LinkLimiter limiter,
    LinkMeter link,
    TimeSpan timeout,
    RegionTelemetry telemetry
)
{
    /// <summary>
    /// Takes blocks into a receiver, which checks them. False when the node broke off or refused: which of the blocks came is then to be seen
    /// in the store, and `ReadBlocks` tells what is wrong with the others.
    /// </summary>
    /// <param name="content">The content that they belong to.</param>
    /// <param name="run">The blocks. As deltas where an earlier block is known, and compressed when most of the content is there already.</param>
    /// <param name="target">Has the earlier blocks.</param>
    /// <param name="receiver">Checks and writes them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RegionException">The node can't be reached or sends nothing; or what it sent is not what was asked for.</exception>
    public async Task<bool> TryReceiveAsync(
        BlockDigest content,
        BlockRun run,
        IBlockReader target,
        BlockReceiver receiver,
        CancellationToken cancellationToken
    )
    {
        try
        {
            using var request = RequestOf(content, run);
            using var response = await SendAsync(request, cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                return false;
            }

            await using var wire = new NodeStream(
                await response.Content.ReadAsStreamAsync(cancellationToken),
                region,
                limiter,
                link,
                timeout,
                cancellationToken
            );
            await using var body = BodyOf(response, wire);
            await ReceiveAsync(body, run, target, receiver, cancellationToken);
            telemetry.Received(wire.Received, region);
            speed.Add(wire.Received, wire.Waited);
            return true;
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConnectionError)
        {
            throw RegionException.OfSource(
                region,
                ErrorReason.RegionUnavailable,
                $"does not answer ({Silence.Describe(exception)}).",
                exception
            );
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or ZstdException or InvalidDataException)
        {
            return false;
        }
    }

    private static Stream BodyOf(HttpResponseMessage response, Stream wire) =>
        response.Content.Headers.ContentEncoding.Contains(ZstdWire.Name) ? ZstdWire.Unpack(wire) : wire;

    private static async Task ReceiveAsync(
        Stream body,
        BlockRun run,
        IBlockReader target,
        BlockReceiver receiver,
        CancellationToken cancellationToken
    )
    {
        if (run.Earlier.Length > 0)
        {
            using var deltas = new DeltaReader(body, target);
            for (var i = 0; i < run.Blocks.Length; i++)
            {
                var (_, place) = await receiver.ReserveAsync(run.Blocks.Slice(i, 1), cancellationToken);
                await deltas.ReadAsync(run.Earlier.Span[i], place, cancellationToken);
            }

            return;
        }

        for (var blocks = run.Blocks; blocks.Length > 0; )
        {
            var (count, place) = await receiver.ReserveAsync(blocks, cancellationToken);
            await body.ReadExactlyAsync(place, cancellationToken);
            blocks = blocks[count..];
        }
    }

    private HttpRequestMessage RequestOf(BlockDigest content, BlockRun run)
    {
        var query = run.Earlier.Length > 0 ? $"?{BlocksEndpoint.DeltasQuery}=true" : "";
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(node, BlocksEndpoint.PathOf(content.ToString()) + query))
        {
            Content = new ByteArrayContent(BlockPairs.Join(run.Blocks.Span, run.Earlier.Span)),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", grant) },
        };
        if (run.IsDelta || run.Earlier.Length > 0 || speed.IsSlow)
        {
            request.Headers.AcceptEncoding.ParseAdd(ZstdWire.Name);
        }

        return request;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(timeout);
        try
        {
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw RegionException.OfSource(
                region,
                ErrorReason.RegionUnavailable,
                $"sent nothing for {timeout.TotalSeconds:f0} seconds.",
                exception
            );
        }
    }
}
