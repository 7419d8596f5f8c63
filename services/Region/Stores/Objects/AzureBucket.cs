using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Gallery.Region.Stores.Objects;

/// <summary>A container of Azure Blob Storage.</summary>
internal sealed class AzureBucket(BlobContainerClient container) : IObjectBucket
{
    private const int NotFound = 404;
    private const int Conflict = 409;
    private const int PreconditionFailed = 412;
    private const int RangeNotSatisfiable = 416;

    /// <inheritdoc/>
    public string Name => $"{container.Uri.Host}/{container.Name}";

    /// <inheritdoc/>
    public Task EnsureAsync(CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            // Asked for first: the node's key may allow everything inside the container and not making one.
            if (!await container.ExistsAsync(cancellationToken))
            {
                await container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
            }

            return true;
        });

    /// <inheritdoc/>
    public Task<bool> TryCreateAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            try
            {
                await UploadAsync(key, bytes, new BlobRequestConditions { IfNoneMatch = ETag.All }, cancellationToken);
                return true;
            }
            catch (RequestFailedException failure) when (failure.Status is Conflict or PreconditionFailed)
            {
                return false;
            }
        });

    /// <inheritdoc/>
    public Task PutAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            await UploadAsync(key, bytes, null, cancellationToken);
            return true;
        });

    /// <inheritdoc/>
    public Task<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            try
            {
                var answer = await container.GetBlobClient(key).DownloadContentAsync(cancellationToken);
                return answer.Value.Content.ToArray();
            }
            catch (RequestFailedException failure) when (failure.Status == NotFound)
            {
                return null;
            }
        });

    /// <inheritdoc/>
    public Task<bool> TryReadAsync(string key, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            try
            {
                var options = new BlobDownloadOptions { Range = new HttpRange(offset, destination.Length) };
                using var answer = (await container.GetBlobClient(key).DownloadStreamingAsync(options, cancellationToken)).Value;
                return await answer.Content.ReadAtLeastAsync(destination, destination.Length, throwOnEndOfStream: false, cancellationToken)
                    == destination.Length;
            }
            catch (RequestFailedException failure) when (failure.Status is NotFound or RangeNotSatisfiable)
            {
                return false;
            }
        });

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new GetBlobsOptions { Prefix = prefix };
        await using var blobs = container.GetBlobsAsync(options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await GuardAsync(() => blobs.MoveNextAsync().AsTask()))
        {
            yield return new ObjectEntry(blobs.Current.Name, blobs.Current.Properties.ContentLength ?? 0);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListFoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = new GetBlobsByHierarchyOptions { Prefix = prefix, Delimiter = "/" };
        await using var items = container.GetBlobsByHierarchyAsync(options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await GuardAsync(() => items.MoveNextAsync().AsTask()))
        {
            if (items.Current.IsPrefix)
            {
                yield return items.Current.Prefix[prefix.Length..].TrimEnd('/');
            }
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        GuardAsync(async () => await container.GetBlobClient(key).DeleteIfExistsAsync(cancellationToken: cancellationToken));

    /// <inheritdoc/>
    public void Dispose() { }

    private async Task UploadAsync(
        string key,
        ReadOnlyMemory<byte> bytes,
        BlobRequestConditions? conditions,
        CancellationToken cancellationToken
    )
    {
        await using var stream = BinaryData.FromBytes(bytes).ToStream();
        await container.GetBlockBlobClient(key).UploadAsync(stream, new BlobUploadOptions { Conditions = conditions }, cancellationToken);
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (RequestFailedException failure)
        {
            // The message of the exception may quote the address with its signature.
            throw new ObjectStorageException(Name, failure.Status == 0 ? "no answer" : $"it answers {failure.Status} {failure.ErrorCode}");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or AggregateException)
        {
            throw new ObjectStorageException(Name, "no answer");
        }
    }
}
