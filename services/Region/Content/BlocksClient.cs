using System.Net;
using System.Net.Http.Headers;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Transfers;

namespace Gallery.Region.Content;

/// <summary>Takes blocks in bulk from another node's <see cref="BlocksEndpoint"/>.</summary>
/// <param name="client">Connections to nodes.</param>
/// <param name="node">The node's HTTP address.</param>
/// <param name="region">The region that the node is in.</param>
/// <param name="grant">The pull grant. A secret.</param>
/// <param name="limiter">Bounds the bytes a second.</param>
/// <param name="timeout">A node that sends nothing for so long is given up.</param>
internal sealed class BlocksClient(HttpClient client, Uri node, string region, string grant, TransferLimiter limiter, TimeSpan timeout)
{
    /// <summary>
    /// Takes blocks into a receiver, which checks them. False when the node broke off or refused: which of the blocks came is then to be seen
    /// in the store, and `ReadBlocks` tells what is wrong with the others.
    /// </summary>
    /// <exception cref="RegionException">The node can't be reached or sends nothing; or what it sent is not what was asked for.</exception>
    public async Task<bool> TryReceiveAsync(
        BlockDigest content,
        ReadOnlyMemory<BlockRef> blocks,
        BlockReceiver receiver,
        CancellationToken cancellationToken
    )
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        silence.CancelAfter(timeout);
        try
        {
            using var request = RequestOf(content, blocks.Span);
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                return false;
            }

            await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
            while (blocks.Length > 0)
            {
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
                var (count, place) = await receiver.ReserveAsync(blocks, cancellationToken);
                await FillAsync(body, place, silence, cancellationToken);
                blocks = blocks[count..];
            }

            return true;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RegionException(
                ErrorReason.RegionUnavailable,
                $"The node of {region} sent nothing for {timeout.TotalSeconds:f0} seconds.",
                exception
            );
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConnectionError)
        {
            throw new RegionException(
                ErrorReason.RegionUnavailable,
                $"The node of {region} does not answer: {exception.Message}",
                exception
            );
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return false;
        }
    }

    private HttpRequestMessage RequestOf(BlockDigest content, ReadOnlySpan<BlockRef> blocks)
    {
        var digests = new byte[blocks.Length * BlockDigest.Size];
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i].Digest.CopyTo(digests.AsSpan(i * BlockDigest.Size));
        }

        return new HttpRequestMessage(HttpMethod.Post, new Uri(node, BlocksEndpoint.PathOf(content.ToString())))
        {
            Content = new ByteArrayContent(digests),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", grant) },
        };
    }

    private async Task FillAsync(Stream body, Memory<byte> place, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        while (place.Length > 0)
        {
            silence.CancelAfter(timeout);
            var read = await body.ReadAsync(place, silence.Token);
            silence.CancelAfter(Timeout.InfiniteTimeSpan);
            if (read == 0)
            {
                throw new EndOfStreamException($"The node of {region} sent less than it said.");
            }

            await limiter.WaitAsync(read, cancellationToken);
            place = place[read..];
        }
    }
}
