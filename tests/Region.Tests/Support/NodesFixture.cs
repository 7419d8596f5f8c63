using Gallery.TestKit;

namespace Gallery.Region.Tests.Support;

/// <summary>Two nodes and who signs for them: `westus` with one zone, `eastus` with three.</summary>
public sealed class NodesFixture : IAsyncLifetime, IDisposable
{
    private TestGrants? _grants;
    private TestIssuer? _issuer;
    private TestNode? _west;
    private TestNode? _east;

    internal TestGrants Grants => _grants!;

    internal TestIssuer Issuer => _issuer!;

    internal TestNode West => _west!;

    internal TestNode East => _east!;

    public async Task InitializeAsync()
    {
        _grants = new TestGrants();
        _issuer = await TestIssuer.StartAsync();
        _west = await StartAsync("westus");
        _east = await StartAsync("eastus", zones: 3);
    }

    public async Task DisposeAsync()
    {
        await West.DisposeAsync();
        await East.DisposeAsync();
        await Issuer.DisposeAsync();
    }

    public void Dispose() => Grants.Dispose();

    internal Task<TestNode> StartAsync(
        string region,
        int zones = 1,
        TempFolder? data = null,
        params (string Key, string Value)[] settings
    ) => TestNode.StartAsync(Issuer, Grants, region, zones, data, settings);

    /// <summary>A node whose clock runs, for what happens by the time.</summary>
    internal Task<TestNode> StartInTimeAsync(
        string region,
        int zones = 1,
        TempFolder? data = null,
        params (string Key, string Value)[] settings
    ) => TestNode.StartAsync(Issuer, Grants, region, zones, data, settings, realTime: true);
}

[CollectionDefinition("nodes")]
public sealed class NodesCollection : ICollectionFixture<NodesFixture>;
