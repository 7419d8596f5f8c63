using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;

namespace Gallery.Region.Transfers;

/// <summary>Writes nodes and blocks that this process made itself, and whose digests it therefore knows, in batches. For one caller at a time.</summary>
internal sealed class NodeWriter(IBlockWriter store, IBatchLender batches) : INodeSink, IAsyncDisposable
{
    private BlockBatch? _filling;

    /// <inheritdoc/>
    public async ValueTask PutAsync(BlockDigest digest, ReadOnlyMemory<byte> node, CancellationToken cancellationToken)
    {
        if (store.Holds(digest))
        {
            return;
        }

        if (_filling is not null && !_filling.HasRoomFor(node.Length))
        {
            await WriteAsync(cancellationToken);
        }

        _filling ??= await batches.RentAsync(cancellationToken);
        _filling.Add(digest, node.Span);
    }

    /// <summary>Writes what was put. It is not yet durable.</summary>
    public async ValueTask WriteAsync(CancellationToken cancellationToken)
    {
        if (_filling is null)
        {
            return;
        }

        using (_filling)
        {
            await store.WriteAsync(_filling, cancellationToken);
        }

        _filling = null;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _filling?.Dispose();
        return ValueTask.CompletedTask;
    }
}
