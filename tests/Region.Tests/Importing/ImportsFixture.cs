using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;

namespace Gallery.Region.Tests.Importing;

/// <summary>A node that may import from this machine and from one folder.</summary>
public sealed class ImportsFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private TestGrants? _grants;
    private TestIssuer? _issuer;
    private TestNode? _node;

    internal TempFolder Folder => _folder;

    internal TestGrants Grants => _grants!;

    internal TestIssuer Issuer => _issuer!;

    internal TestNode Node => _node!;

    internal NodeClient Client => Node.Client;

    internal (string Key, string Value)[] Settings =>
        [
            ("Imports:Folders:0", _folder.Path),
            ("Imports:PrivateHosts:0", "127.0.0.1"),
            ("Imports:MaxRetries", "3"),
            ("Imports:RetryDelay", "00:00:00.010"),
            ("Imports:RequestTimeout", "00:00:10"),
        ];

    public async Task InitializeAsync()
    {
        _grants = new TestGrants();
        _issuer = await TestIssuer.StartAsync();
        _node = await TestNode.StartAsync(Issuer, Grants, "imports", settings: Settings);
    }

    public async Task DisposeAsync()
    {
        await Node.DisposeAsync();
        await Issuer.DisposeAsync();
        Grants.Dispose();
        _folder.Dispose();
    }

    internal Task<Import> ImportAsync(string id, string uri, DiskFormat format = DiskFormat.Unspecified) =>
        ImportAsync(Client, id, uri, format);

    /// <summary>Begins an import and waits until no work is running.</summary>
    internal static async Task<Import> ImportAsync(NodeClient client, string id, string uri, DiskFormat format = DiskFormat.Unspecified)
    {
        await client.Imports.StartImportAsync(
            new()
            {
                UploadId = id,
                Uri = uri,
                Format = format,
            }
        );
        return await UntilAsync(client, id, import => import.State != ImportState.Running);
    }

    internal static Task<Import> UntilAsync(NodeClient client, string id, Func<Import, bool> good) =>
        Eventually.GetAsync(async () => (await client.Imports.GetImportAsync(new() { UploadId = id })).Import, good, what: "the import");

    /// <summary>The disk that an import has become, read back from a replica.</summary>
    internal async Task<byte[]> ReadBackAsync(string id)
    {
        var content = await Client.CommitAsync(id);
        await Client.PullAsync(NodeClient.Order($"of-{id}", content, Client.FromUpload(id)));
        return await Client.ReadAsync($"of-{id}");
    }
}

[CollectionDefinition("imports")]
public sealed class ImportsCollection : ICollectionFixture<ImportsFixture>;
