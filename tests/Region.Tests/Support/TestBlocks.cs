using System.Runtime.InteropServices;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Tests.Support;

/// <summary>Blocks to test with.</summary>
internal static class TestBlocks
{
    /// <summary>Bytes that follow from a seed.</summary>
    public static byte[] Bytes(int seed, int length = BlockLayout.BlockSize)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static BlockRef Ref(byte[] bytes) => new(BlockDigest.Of(bytes), bytes.Length);

    /// <summary>A digest of no known bytes.</summary>
    public static BlockDigest Digest(int seed)
    {
        Span<byte> bytes = stackalloc byte[BlockDigest.Size];
        MemoryMarshal.Write(bytes, seed);
        return BlockDigest.Of(bytes);
    }

    public static async Task WriteAsync(this IBlockWriter store, BlockBatchPool pool, params byte[][] blocks)
    {
        foreach (var some in blocks.Chunk(60))
        {
            using var batch = await pool.RentAsync(default);
            foreach (var block in some)
            {
                batch.Add(BlockDigest.Of(block), block);
            }

            await store.WriteAsync(batch, default);
        }
    }

    public static async Task<byte[]> ReadAsync(this IBlockReader store, params BlockRef[] blocks)
    {
        var bytes = new byte[blocks.Sum(block => block.Length)];
        await store.ReadAsync(blocks, bytes, default);
        return bytes;
    }

    /// <summary>A whole collection.</summary>
    public static async Task<long> CollectAsync(this IBlockCollector store, Func<ILiveBlocks, Task> mark)
    {
        using var collection = await store.BeginCollectionAsync(default);
        await mark(collection);
        return await collection.FreeAsync();
    }
}
