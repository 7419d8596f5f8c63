using Amazon.Runtime;
using Amazon.S3;
using Azure.Storage.Blobs;
using Gallery.Region.Stores.Zones;

namespace Gallery.Region.Stores.Objects;

/// <summary>
/// Makes the zones of a node whose stores lie on object storage, one container each. Nothing of a finished upload or a replica lies anywhere
/// else, so that a node that starts with an empty disk has all of them.
/// </summary>
internal static class ObjectZones
{
    private const int MaxRetries = 4;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Makes the zones that the settings tell of; null when the stores lie on local disks.</summary>
    /// <exception cref="InvalidOperationException">The settings lack something.</exception>
    public static IZone[]? From(RegionOptions options, CapacityBudget capacity)
    {
        if (options.Store == StoreKind.Disk)
        {
            return null;
        }

        var objects = options.Objects;
        if (objects.Containers.Distinct(StringComparer.Ordinal).Count() != options.Zones || objects.Containers.Count != options.Zones)
        {
            throw new InvalidOperationException(
                $"Region:Objects:Containers must name one container a zone: {options.Zones}, all different."
            );
        }

        var prefix = objects.Prefix.Length == 0 || objects.Prefix.EndsWith('/') ? objects.Prefix : objects.Prefix + "/";
        var connect = Connect(options.Store, objects);
        return [.. objects.Containers.Select((container, i) => new ObjectZone(connect(container), prefix, i + 1, capacity))];
    }

    /// <summary>Makes the clients of a kind of storage, by the name of the container.</summary>
    /// <exception cref="InvalidOperationException">The settings lack something.</exception>
    public static Func<string, IObjectBucket> Connect(StoreKind kind, ObjectOptions options)
    {
        if (kind == StoreKind.Azure)
        {
            if (options.ConnectionString.Length == 0)
            {
                throw new InvalidOperationException("Region:Objects:ConnectionString is needed for Azure Blob Storage.");
            }

            return container => new AzureBucket(new BlobContainerClient(options.ConnectionString, container, AzureConfig()));
        }

        if (options.AccessKey.Length == 0 || options.SecretKey.Length == 0)
        {
            throw new InvalidOperationException("Region:Objects:AccessKey and SecretKey are needed for S3.");
        }

        var host = options.ServiceUrl.Length > 0 ? new Uri(options.ServiceUrl).Authority : $"s3.{options.SigningRegion}";
        return bucket => new S3Bucket(
            new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), ConfigOf(options)),
            host,
            bucket
        );
    }

    private static BlobClientOptions AzureConfig() =>
        new()
        {
            Retry =
            {
                MaxRetries = MaxRetries,
                NetworkTimeout = RequestTimeout,
                MaxDelay = TimeSpan.FromSeconds(5),
            },
        };

    private static AmazonS3Config ConfigOf(ObjectOptions options)
    {
        var config = new AmazonS3Config
        {
            MaxErrorRetry = MaxRetries,
            Timeout = RequestTimeout,
            // Checksums beyond what the protocol asks for are not understood by every storage; blocks are checked by their own digests.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.ServiceUrl.Length > 0)
        {
            config.ServiceURL = options.ServiceUrl;
            config.AuthenticationRegion = options.SigningRegion;
            config.ForcePathStyle = true;
        }
        else
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.SigningRegion);
        }

        return config;
    }
}
