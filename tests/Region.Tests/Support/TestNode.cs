using Gallery.TestKit;

namespace Gallery.Region.Tests.Support;

/// <summary>A node in this process, on real ports, with a data folder that outlives it.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly bool _ownsData;
    private readonly TempFolder _data;

    private TestNode(ServiceHost<Program> host, string region, TestGrants grants, TempFolder data, bool ownsData)
    {
        Host = host;
        _data = data;
        _ownsData = ownsData;
        Client = new NodeClient(host.AnonymousChannel(), host.ChannelAsService("replication"), region, host.Http.BaseAddress!, grants);
    }

    public ServiceHost<Program> Host { get; }

    public NodeClient Client { get; }

    public string Url => Host.GrpcUrl;

    public string DataPath => _data.Path;

    public static async Task<TestNode> StartAsync(
        TestIssuer issuer,
        TestGrants grants,
        string region,
        int zones = 1,
        TempFolder? data = null,
        (string Key, string Value)[]? settings = null,
        bool realTime = false
    )
    {
        var folder = data ?? new TempFolder();
        try
        {
            var host = await StartHostAsync();
            return new TestNode(host, region, grants, folder, data is null);
        }
        catch when (data is null)
        {
            folder.Dispose();
            throw;
        }

        Task<ServiceHost<Program>> StartHostAsync() =>
            ServiceHost<Program>.StartAsync(builder =>
            {
                builder
                    .WithIssuer(issuer)
                    .WithSetting("Region:Name", region)
                    .WithSetting("Region:Zones", $"{zones}")
                    .WithSetting("Region:DataPath", folder.Path)
                    .WithSetting("Region:CollectionInterval", "00:00:00.200")
                    .WithSetting("Grants:PublicKey", grants.PublicKey);
                if (realTime)
                {
                    builder.WithSystemTime();
                }

                foreach (var (key, value) in settings ?? [])
                {
                    builder.WithSetting(key, value);
                }
            });
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        if (_ownsData)
        {
            _data.Dispose();
        }
    }
}
