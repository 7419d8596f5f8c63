using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using ZstdSharp;

namespace Gallery.Cli.Uploads;

/// <summary>
/// Sends blocks in bulk over HTTP, compressed where that pays: when little of the file is new to the node, or when the way to it is slower than
/// the processor compresses.
/// </summary>
/// <param name="client">Connections.</param>
/// <param name="node">The node's HTTP address.</param>
/// <param name="uploadId">The upload.</param>
/// <param name="token">The grant. A secret.</param>
internal sealed class BulkSender(HttpClient client, Uri node, string uploadId, string token)
{
    private readonly Uri address = new(node, $"/v1/uploads/{uploadId}/blocks");
    private readonly LinkSpeed speed = new();

    /// <summary>
    /// Sends blocks; when it returns true, the node has them for good. False when it did not take them: `WriteBlocks` then tells why, or takes them.
    /// </summary>
    /// <param name="blocks">Declared blocks that the node lacks.</param>
    /// <param name="isDelta">True when the node had most of what was declared with them.</param>
    /// <param name="sent">Told of the bytes of blocks that are on their way.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<bool> TrySendAsync(IReadOnlyList<DataBlock> blocks, bool isDelta, Action<long> sent, CancellationToken cancellation)
    {
        var compress = isDelta || speed.IsSlow;
        using var content = new BlocksContent(blocks, compress);
        using var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Content = content,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
        try
        {
            var clock = Stopwatch.StartNew();
            using var response = await client.SendAsync(request, cancellation);
            if (response.StatusCode != HttpStatusCode.NoContent)
            {
                return false;
            }

            speed.Add(content.SentBytes, clock.Elapsed);
            sent(blocks.Sum(block => (long)block.Data.Length));
            return true;
        }
        catch (Exception cut) when (cut is HttpRequestException or IOException)
        {
            return false;
        }
    }

    private sealed class BlocksContent : HttpContent
    {
        private const int Level = 1;
        private readonly IReadOnlyList<DataBlock> blocks;
        private readonly bool compress;
        private readonly byte[] head;

        public BlocksContent(IReadOnlyList<DataBlock> blocks, bool compress)
        {
            this.blocks = blocks;
            this.compress = compress;
            head = HeadOf(blocks);
            if (compress)
            {
                Headers.ContentEncoding.Add("zstd");
            }
        }

        /// <summary>Bytes that went over the wire.</summary>
        public long SentBytes { get; private set; }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            if (!compress)
            {
                await WriteAsync(stream, cancellationToken);
                SentBytes = Length;
                return;
            }

            // A batch at a time is in memory anyway; compressed it is smaller still.
            using var compressed = new MemoryStream();
            await using (var zstd = new CompressionStream(compressed, Level, leaveOpen: true))
            {
                await WriteAsync(zstd, cancellationToken);
            }

            SentBytes = compressed.Length;
            await stream.WriteAsync(compressed.GetBuffer().AsMemory(0, (int)compressed.Length), cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = Length;
            return !compress;
        }

        private long Length => head.Length + blocks.Sum(block => (long)block.Data.Length);

        private async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(head, cancellationToken);
            foreach (var block in blocks)
            {
                await stream.WriteAsync(block.Data, cancellationToken);
            }
        }

        private static byte[] HeadOf(IReadOnlyList<DataBlock> blocks)
        {
            var head = new byte[sizeof(int) + (blocks.Count * sizeof(long))];
            BinaryPrimitives.WriteInt32LittleEndian(head, blocks.Count);
            for (var i = 0; i < blocks.Count; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(sizeof(int) + (i * sizeof(long))), blocks[i].Index);
            }

            return head;
        }
    }
}
