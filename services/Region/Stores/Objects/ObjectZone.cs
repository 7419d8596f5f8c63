using Gallery.Region.Stores.Records;
using Gallery.Region.Stores.Zones;

namespace Gallery.Region.Stores.Objects;

/// <summary>A zone that is a container on object storage: in it lies `{prefix}{store}/…`.</summary>
/// <param name="bucket">The container.</param>
/// <param name="prefix">What all keys begin with; empty, or with a `/` at the end.</param>
/// <param name="number">The zone's number, from 1.</param>
/// <param name="capacity">The bytes that all stores of the node may take up together.</param>
internal sealed class ObjectZone(IObjectBucket bucket, string prefix, int number, CapacityBudget capacity) : IZone
{
    private volatile string _failure = "";
    private bool _ensured;

    /// <inheritdoc/>
    public int Number => number;

    /// <inheritdoc/>
    public string Failure => _failure;

    /// <inheritdoc/>
    public string Check()
    {
        try
        {
            Wait(async () =>
            {
                if (!_ensured)
                {
                    await bucket.EnsureAsync(default);
                    _ensured = true;
                }

                await bucket.PutAsync($"{prefix}probe", new byte[] { 1 }, default);
                return true;
            });
            return _failure = "";
        }
        catch (ObjectStorageException exception)
        {
            return _failure = exception.Message;
        }
    }

    /// <inheritdoc/>
    public string Disk => $"{prefix}{number}";

    /// <inheritdoc/>
    public long AvailableBytes() => _failure.Length == 0 ? long.MaxValue : 0;

    /// <inheritdoc/>
    public IReadOnlyList<StoreName> FindStores() =>
        Wait(async () =>
        {
            var found = new List<StoreName>();
            await foreach (var folder in bucket.ListFoldersAsync(prefix, default))
            {
                if (StoreName.TryParse(folder) is { } name)
                {
                    found.Add(name);
                }
            }

            return found;
        });

    /// <inheritdoc/>
    public IBlockStore OpenBlocks(StoreName name) => Wait(() => ObjectStore.OpenAsync(bucket, PrefixOf(name), capacity));

    /// <inheritdoc/>
    public IRecordStore Records(StoreName name) => new BucketRecords(bucket, PrefixOf(name));

    private string PrefixOf(StoreName name) => $"{prefix}{name}/";

    /// <summary>Zones are looked at and stores opened where nothing can wait, seldom, and in the background or before they are used.</summary>
    private static T Wait<T>(Func<Task<T>> work) => Task.Run(work).GetAwaiter().GetResult();
}
