namespace Gallery.Region.Blocks;

/// <summary>Lends empty batches, a bounded number at a time.</summary>
internal interface IBatchLender
{
    /// <summary>Waits for an empty batch. It goes back when it is disposed of.</summary>
    ValueTask<BlockBatch> RentAsync(CancellationToken cancellationToken);
}
