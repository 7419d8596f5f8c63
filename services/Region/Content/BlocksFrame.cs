using System.Buffers;
using System.Runtime.InteropServices;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Region.Content;

/// <summary>A block of a frame, still unchecked.</summary>
/// <param name="Digest">The digest it came with; the default value when that was none.</param>
/// <param name="Encoding">How its bytes are to be read.</param>
/// <param name="Start">Where in the frame they begin.</param>
/// <param name="Length">How many they are.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FramedBlock(BlockDigest Digest, BlockEncoding Encoding, int Start, int Length);

/// <summary>
/// A `ReadBlocksResponse` as it came, in a rented buffer. The generated class would allocate 64 KiB for each block and keep the garbage
/// collector busy for as long as a pull lasts; here nothing is allocated but a list of places.
/// </summary>
internal sealed class BlocksFrame : IDisposable
{
    private readonly byte[] _buffer;

    private BlocksFrame(byte[] buffer, List<FramedBlock> blocks)
    {
        _buffer = buffer;
        Blocks = blocks;
    }

    /// <summary>The rpc `ReadBlocks` with frames for answers.</summary>
    public static Method<ReadBlocksRequest, BlocksFrame> Method { get; } =
        new(
            MethodType.ServerStreaming,
            ContentService.Descriptor.FullName,
            nameof(ContentService.ContentServiceClient.ReadBlocks),
            Marshallers.Create(request => request.ToByteArray(), ReadBlocksRequest.Parser.ParseFrom),
            Marshallers.Create((_, _) => throw new NotSupportedException("Frames are read only."), Read)
        );

    /// <summary>Its blocks, in the order they came.</summary>
    public List<FramedBlock> Blocks { get; }

    /// <summary>The bytes of a block, until the frame is disposed of.</summary>
    public ReadOnlyMemory<byte> BytesOf(FramedBlock block) => _buffer.AsMemory(block.Start, block.Length);

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private static BlocksFrame Read(DeserializationContext context)
    {
        var length = context.PayloadLength;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            context.PayloadAsReadOnlySequence().CopyTo(buffer);
            return new BlocksFrame(buffer, ReadBlocks(buffer, length));
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static List<FramedBlock> ReadBlocks(byte[] buffer, int length)
    {
        var blocks = new List<FramedBlock>();
        var message = new WireReader(buffer, 0, length);
        while (message.Next())
        {
            if (message.Field == ReadBlocksResponse.BlocksFieldNumber && message.Length >= 0)
            {
                blocks.Add(ReadBlock(buffer, message.Start, message.Start + message.Length));
            }
        }

        return blocks;
    }

    private static FramedBlock ReadBlock(byte[] buffer, int start, int end)
    {
        var block = default(FramedBlock);
        var message = new WireReader(buffer, start, end);
        while (message.Next())
        {
            block = message.Field switch
            {
                Block.DigestFieldNumber when message.Length == BlockDigest.Size => block with
                {
                    Digest = new BlockDigest(buffer.AsSpan(message.Start)),
                },
                Block.DataFieldNumber when message.Length >= 0 => block with { Start = message.Start, Length = message.Length },
                Block.EncodingFieldNumber => block with { Encoding = (BlockEncoding)message.Number },
                _ => block,
            };
        }

        return block;
    }
}
