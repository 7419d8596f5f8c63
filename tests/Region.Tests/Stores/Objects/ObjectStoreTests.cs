using Gallery.Region.Stores.Objects;
using Gallery.TestKit.ObjectStorage;

namespace Gallery.Region.Tests.Stores.Objects;

/// <summary>The store on Azure Blob Storage.</summary>
[Collection("object storage")]
public sealed class AzureStoreTests(ObjectServers servers) : ObjectStoreSuite
{
    private protected override IObjectBucket Connect() =>
        ObjectZones.Connect(StoreKind.Azure, new ObjectOptions { ConnectionString = servers.Azure.ConnectionString })("suite");
}

/// <summary>The store on S3.</summary>
[Collection("object storage")]
public sealed class S3StoreTests(ObjectServers servers) : ObjectStoreSuite
{
    private protected override IObjectBucket Connect() =>
        ObjectZones.Connect(
            StoreKind.S3,
            new ObjectOptions
            {
                ServiceUrl = servers.S3.Url,
                AccessKey = S3Server.AccessKey,
                SecretKey = S3Server.AccessKey,
            }
        )("suite");
}
