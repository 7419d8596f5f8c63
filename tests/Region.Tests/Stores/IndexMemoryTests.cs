using Gallery.Region.Stores.Segments;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>Measures memory, so nothing else may run beside it.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;

[Collection("alone")]
public sealed class IndexMemoryTests
{
    [Fact]
    public void The_index_takes_less_than_a_hundred_bytes_a_block()
    {
        var index = new BlockIndex();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 300_000; i++)
        {
            index.TryAdd(TestBlocks.Digest(i), new BlockLocation(1, (uint)i, 65536));
        }

        Assert.InRange((GC.GetTotalMemory(forceFullCollection: true) - before) / 300_000.0, 40, 100);
        Assert.True(index.TryFind(TestBlocks.Digest(299_999), out var last));
        Assert.Equal(299_999u, last.Offset);
    }
}
