using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Zones;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Scrub;

/// <summary>Gives each zone of a store the blocks that the other zones have and it lacks.</summary>
internal sealed partial class ZoneHealer(BlockBatchPool pool, IOptions<RegionOptions> options, ILogger<ZoneHealer> logger)
{
    /// <summary>Copies what is lacking. The copies are durable on return.</summary>
    public async Task HealAsync(RegionStore store, CancellationToken cancellationToken)
    {
        if (store.Zones.Count < 2)
        {
            return;
        }

        using var pace = new BackgroundPace(options.Value.CompactionBytesPerSecond);
        foreach (var part in store.Zones.Where(part => part.Failure.Length == 0))
        {
            var lacking = store.Blocks.ListBlocks().Where(block => !part.Holds(block.Digest)).ToList();
            for (var first = 0; first < lacking.Count; )
            {
                first += await CopyAsync(store, part, lacking, first, pace, cancellationToken);
            }

            if (lacking.Count > 0)
            {
                await part.FlushAsync(cancellationToken);
                LogHealed($"{store.Name}", part.Zone.Number, lacking.Count);
            }
        }
    }

    /// <returns>How many blocks were dealt with.</returns>
    private async ValueTask<int> CopyAsync(
        RegionStore store,
        ZoneStore part,
        List<BlockRef> lacking,
        int first,
        BackgroundPace pace,
        CancellationToken cancellationToken
    )
    {
        using var batch = await pool.RentAsync(cancellationToken);
        var count = 0;
        while (first + count < lacking.Count && (count == 0 || batch.HasRoomFor(lacking[first + count].Length)))
        {
            var block = lacking[first + count++];
            // What is damaged everywhere, or was freed meanwhile, is passed over: the scrub tells of the one, nobody needs the other.
            if (await StoreSet.TryReadAsync(store.Blocks, block, batch.Free, cancellationToken))
            {
                batch.Add(block.Digest, block.Length);
            }
        }

        await pace.WaitAsync(batch.Length, cancellationToken);
        if (batch.Count > 0)
        {
            await part.WriteAsync(batch, cancellationToken);
        }

        return count;
    }

    [LoggerMessage(1, LogLevel.Information, "Store {Store}: zone {Zone} was given {Blocks} blocks that it lacked")]
    private partial void LogHealed(string store, int zone, int blocks);
}
