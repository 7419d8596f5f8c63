using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Region.Blocks;

namespace Gallery.Region.Tests.Content;

public sealed class BlockDeltaProperties
{
    [Property(MaxTest = 300)]
    public Property What_was_written_is_read_back() =>
        Prop.ForAll(
            Gen.Choose(1, BlockLayout.BlockSize).ToArbitrary(),
            Gen.Choose(0, 200).ToArbitrary(),
            Gen.Choose(0, int.MaxValue).ToArbitrary(),
            (length, changes, seed) =>
            {
                var random = new Random(seed);
                var earlier = new byte[length];
                random.NextBytes(earlier);
                var block = (byte[])earlier.Clone();
                for (var i = 0; i < changes; i++)
                {
                    block[random.Next(length)] = (byte)random.Next(256);
                }

                var delta = new byte[BlockDelta.MaxLength];
                var written = BlockDelta.Write(earlier, block, delta);
                var bitmap = delta.AsSpan(0, BlockDelta.BitmapLength(length));
                var changed = BlockDelta.ChangedLength(bitmap, length);
                BlockDelta.Apply(earlier, bitmap, delta.AsSpan(bitmap.Length, changed));
                return written == bitmap.Length + changed && earlier.AsSpan().SequenceEqual(block);
            }
        );

    [Property(MaxTest = 300)]
    public bool Any_bitmap_stays_within_its_block(int seed, PositiveInt size)
    {
        var random = new Random(seed);
        var length = 1 + (size.Get % BlockLayout.BlockSize);
        var bitmap = new byte[BlockDelta.BitmapLength(length)];
        random.NextBytes(bitmap);
        var changed = BlockDelta.ChangedLength(bitmap, length);
        BlockDelta.Apply(new byte[length], bitmap, new byte[changed]);
        return changed >= 0 && bitmap.Length + changed <= BlockDelta.MaxLength;
    }
}
