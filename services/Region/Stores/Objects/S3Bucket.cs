using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Gallery.Region.Stores.Objects;

/// <summary>A bucket of S3, or of a storage that speaks its protocol.</summary>
/// <param name="client">Signs and sends; disposed of with this.</param>
/// <param name="host">The storage's host, for messages.</param>
/// <param name="bucket">The bucket.</param>
internal sealed class S3Bucket(IAmazonS3 client, string host, string bucket) : IObjectBucket
{
    /// <inheritdoc/>
    public string Name => $"{host}/{bucket}";

    /// <inheritdoc/>
    public Task EnsureAsync(CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            try
            {
                await client.HeadBucketAsync(new HeadBucketRequest { BucketName = bucket }, cancellationToken);
            }
            catch (AmazonS3Exception failure) when (failure.StatusCode == HttpStatusCode.NotFound)
            {
                await client.PutBucketAsync(new PutBucketRequest { BucketName = bucket }, cancellationToken);
            }

            return true;
        });

    /// <inheritdoc/>
    public Task<bool> TryCreateAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            try
            {
                await UploadAsync(key, bytes, onlyIfNew: true, cancellationToken);
                return true;
            }
            catch (AmazonS3Exception failure) when (failure.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.PreconditionFailed)
            {
                return false;
            }
        });

    /// <inheritdoc/>
    public Task PutAsync(string key, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            await UploadAsync(key, bytes, onlyIfNew: false, cancellationToken);
            return true;
        });

    /// <inheritdoc/>
    public Task<byte[]?> TryGetAsync(string key, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            try
            {
                using var answer = await client.GetObjectAsync(bucket, key, cancellationToken);
                var bytes = new byte[answer.ContentLength];
                await answer.ResponseStream.ReadExactlyAsync(bytes, cancellationToken);
                return bytes;
            }
            catch (AmazonS3Exception failure) when (failure.StatusCode == HttpStatusCode.NotFound)
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
                var request = new GetObjectRequest
                {
                    BucketName = bucket,
                    Key = key,
                    ByteRange = new ByteRange(offset, offset + destination.Length - 1),
                };
                using var answer = await client.GetObjectAsync(request, cancellationToken);
                return await answer.ResponseStream.ReadAtLeastAsync(
                        destination,
                        destination.Length,
                        throwOnEndOfStream: false,
                        cancellationToken
                    ) == destination.Length;
            }
            catch (AmazonS3Exception failure)
                when (failure.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return false;
            }
        });

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var page in PagesAsync(new ListObjectsV2Request { BucketName = bucket, Prefix = prefix }, cancellationToken))
        {
            foreach (var entry in page.S3Objects ?? [])
            {
                yield return new ObjectEntry(entry.Key, entry.Size ?? 0);
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> ListFoldersAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = bucket,
            Prefix = prefix,
            Delimiter = "/",
        };
        await foreach (var page in PagesAsync(request, cancellationToken))
        {
            foreach (var folder in page.CommonPrefixes ?? [])
            {
                yield return folder[prefix.Length..].TrimEnd('/');
            }
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            await client.DeleteObjectAsync(bucket, key, cancellationToken);
            return true;
        });

    /// <inheritdoc/>
    public void Dispose() => client.Dispose();

    private async IAsyncEnumerable<ListObjectsV2Response> PagesAsync(
        ListObjectsV2Request request,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        do
        {
            var page = await GuardAsync(() => client.ListObjectsV2Async(request, cancellationToken));
            request.ContinuationToken = page.NextContinuationToken;
            yield return page;
        } while (!string.IsNullOrEmpty(request.ContinuationToken));
    }

    private async Task UploadAsync(string key, ReadOnlyMemory<byte> bytes, bool onlyIfNew, CancellationToken cancellationToken)
    {
        await using var stream = BinaryData.FromBytes(bytes).ToStream();
        await client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = bucket,
                Key = key,
                InputStream = stream,
                AutoCloseStream = false,
                // Not every storage that speaks S3 reads bodies in signed chunks; blocks carry digests of their own.
                UseChunkEncoding = false,
                IfNoneMatch = onlyIfNew ? "*" : null,
            },
            cancellationToken
        );
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (AmazonServiceException failure)
        {
            throw new ObjectStorageException(
                Name,
                failure.StatusCode == 0 ? "no answer" : $"it answers {(int)failure.StatusCode} {failure.ErrorCode}"
            );
        }
        catch (Exception exception) when (exception is AmazonClientException or HttpRequestException or IOException)
        {
            throw new ObjectStorageException(Name, "no answer");
        }
    }
}
