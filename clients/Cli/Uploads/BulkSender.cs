using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
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
    private readonly Uri declared = new(node, $"/v1/uploads/{uploadId}/blocks");
    private readonly Uri undeclared = new(node, $"/v1/uploads/{uploadId}/blocks?declare=true");
    private readonly LinkSpeed speed = new();

    /// <summary>True when the way to the node is so slow that no byte should go over it for nothing.</summary>
    public bool IsSlow => speed.IsSlow;

    /// <summary>
    /// Sends blocks; when it returns true, the node has them for good. False when it did not take them: `WriteBlocks` then tells why, or takes them.
    /// </summary>
    /// <param name="blocks">Declared blocks that the node lacks.</param>
    /// <param name="isDelta">True when the node had most of what was declared with them.</param>
    /// <param name="sent">Told of the bytes of blocks that are on their way.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<bool> TrySendAsync(IReadOnlyList<DataBlock> blocks, bool isDelta, Action<long> sent, CancellationToken cancellation) =>
        TrySendAsync(declared, new BlocksContent(blocks, isDelta || speed.IsSlow, withChecksums: false), sent, cancellation);

    /// <summary>Sends blocks that were not declared: the node does it. False when it did not take them: declare them, and send those that it lacks.</summary>
    public Task<bool> TrySendUndeclaredAsync(IReadOnlyList<DataBlock> blocks, Action<long> sent, CancellationToken cancellation) =>
        TrySendAsync(undeclared, new BlocksContent(blocks, speed.IsSlow, withChecksums: true), sent, cancellation);

    private async Task<bool> TrySendAsync(Uri address, BlocksContent content, Action<long> sent, CancellationToken cancellation)
    {
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
            sent(content.BlockBytes);
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

        public BlocksContent(IReadOnlyList<DataBlock> blocks, bool compress, bool withChecksums)
        {
            this.blocks = blocks;
            this.compress = compress;
            head = HeadOf(blocks, withChecksums);
            BlockBytes = blocks.Sum(block => (long)block.Data.Length);
            if (compress)
            {
                Headers.ContentEncoding.Add("zstd");
            }
        }

        /// <summary>Bytes of the blocks.</summary>
        public long BlockBytes { get; }

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

        private long Length => head.Length + BlockBytes;

        private async Task WriteAsync(Stream stream, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(head, cancellationToken);
            foreach (var block in blocks)
            {
                await stream.WriteAsync(block.Data, cancellationToken);
            }
        }

        private static byte[] HeadOf(IReadOnlyList<DataBlock> blocks, bool withChecksums)
        {
            var head = new byte[sizeof(int) + (blocks.Count * sizeof(long) * (withChecksums ? 2 : 1))];
            BinaryPrimitives.WriteInt32LittleEndian(head, blocks.Count);
            var positions = head.AsSpan(sizeof(int));
            for (var i = 0; i < blocks.Count; i++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(positions[(i * sizeof(long))..], blocks[i].Index);
            }

            var checksums = positions[(blocks.Count * sizeof(long))..];
            for (var i = 0; withChecksums && i < blocks.Count; i++)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(checksums[(i * sizeof(long))..], XxHash3.HashToUInt64(blocks[i].Data.Span));
            }

            return head;
        }
    }
}
