using Gallery.TestKit.ObjectStorage;

namespace Gallery.Region.Tests.Stores.Objects;

/// <summary>One server of each kind for all tests that need object storage.</summary>
public sealed class ObjectServers : IAsyncLifetime
{
    private AzuriteServer? _azure;
    private S3Server? _s3;

    internal AzuriteServer Azure => _azure!;

    internal S3Server S3 => _s3!;

    public async Task InitializeAsync()
    {
        _azure = await AzuriteServer.StartAsync();
        _s3 = await S3Server.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await (_azure?.DisposeAsync() ?? default);
        await (_s3?.DisposeAsync() ?? default);
    }
}

[CollectionDefinition("object storage")]
public sealed class ObjectServersCollection : ICollectionFixture<ObjectServers>;
