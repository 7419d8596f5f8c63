using System.Buffers;
using FsCheck.Xunit;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Tests.Support;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Region.Tests.Content;

public sealed class BlocksFrameTests
{
    [Fact]
    public void A_frame_has_the_blocks_of_the_message()
    {
        var message = new ReadBlocksResponse();
        for (var i = 0; i < 5; i++)
        {
            var bytes = TestBlocks.Bytes(i, 1000 * i);
            message.Blocks.Add(
                new Block
                {
                    Digest = ByteString.CopyFrom(BlockDigest.Of(bytes).ToArray()),
                    Data = ByteString.CopyFrom(bytes),
                    Encoding = (BlockEncoding)(i % 2),
                }
            );
        }

        using var frame = Read(message.ToByteArray());
        Assert.Equal(5, frame.Blocks.Count);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(TestBlocks.Bytes(i, 1000 * i), frame.BytesOf(frame.Blocks[i]).ToArray());
            Assert.Equal(BlockDigest.Of(TestBlocks.Bytes(i, 1000 * i)), frame.Blocks[i].Digest);
            Assert.Equal((BlockEncoding)(i % 2), frame.Blocks[i].Encoding);
        }
    }

    [Fact]
    public void Unknown_fields_are_passed_over()
    {
        byte[] block = [0x12, 2, 7, 8, 0x20, 5, 0x2d, 1, 2, 3, 4, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, 0x3a, 1, 9];
        using var frame = Read([0x12, 1, 0, 0x0a, (byte)block.Length, .. block]);
        Assert.Equal([7, 8], frame.BytesOf(Assert.Single(frame.Blocks)).ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 0x0a })]
    [InlineData(new byte[] { 0x0a, 5, 1 })]
    [InlineData(new byte[] { 0x0a, 2, 0x12, 1 })]
    [InlineData(new byte[] { 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 })]
    [InlineData(new byte[] { 0x0b })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })]
    public void Malformed_messages_are_refused(byte[] bytes) => Assert.Throws<InvalidDataException>(() => Read(bytes));

    [Property(MaxTest = 1000)]
    public void Any_bytes_are_a_frame_or_refused(byte[] bytes)
    {
        try
        {
            using var frame = Read([0x0a, (byte)bytes.Length, .. bytes]);
            Assert.All(frame.Blocks, block => Assert.InRange(block.Start + block.Length, 0, bytes.Length + 2));
        }
        catch (InvalidDataException)
        {
            // As it should be.
        }
    }

    private static BlocksFrame Read(byte[] bytes) => BlocksFrame.Method.ResponseMarshaller.ContextualDeserializer(new Payload(bytes));

    private sealed class Payload(byte[] bytes) : DeserializationContext
    {
        public override int PayloadLength => bytes.Length;

        public override byte[] PayloadAsNewBuffer() => [.. bytes];

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(bytes);
    }
}
