using System.Text.Json;
using Gallery.TestKit;

namespace Gallery.Cli.Tests.Harness;

/// <summary>A command line, signed in to services that follow a script and a node in memory.</summary>
internal sealed class House : IAsyncDisposable
{
    private readonly PeerServer services;
    private readonly TestIssuer issuer;

    private House(PeerServer services, PeerServer node, TestIssuer issuer)
    {
        (this.services, this.issuer) = (services, issuer);
        Node = node;
    }

    public CommandLine Line { get; } = new();

    public PeerServer Node { get; }

    public PeerServer Services => services;

    public TestIssuer Issuer => issuer;

    public required ScriptedCatalog Catalog { get; init; }

    public required ScriptedReplication Replication { get; init; }

    public required ScriptedSharing Sharing { get; init; }

    public required ScriptedBilling Billing { get; init; }

    public required FakeUploads Uploads { get; init; }

    public required FakeContent Content { get; init; }

    public const string Subscription = "00000000-0000-0000-0000-00000000000a";

    public static async Task<House> StartAsync(bool signIn = true)
    {
        var (uploads, content) = (new FakeUploads(), new FakeContent());
        var node = await PeerServer.StartAsync(uploads, content);
        var catalog = new ScriptedCatalog();
        var replication = new ScriptedReplication(node.Url, uploads, content);
        var (sharing, billing) = (new ScriptedSharing(), new ScriptedBilling());
        object[] all = [.. catalog.Services, .. replication.Services, sharing, .. billing.Services];
        var house = new House(await PeerServer.StartAsync(all), node, await TestIssuer.StartAsync())
        {
            Catalog = catalog,
            Replication = replication,
            Sharing = sharing,
            Billing = billing,
            Uploads = uploads,
            Content = content,
        };
        house.WriteFiles();
        if (signIn)
        {
            (await house.Line.RunAsync("login", "--as", "owner")).Succeeded();
        }

        return house;
    }

    public Task<CommandResult> RunAsync(params string[] args) => Line.RunAsync(args);

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        await Node.DisposeAsync();
        await issuer.DisposeAsync();
        Line.Dispose();
    }

    private void WriteFiles()
    {
        var url = services.Url;
        File.WriteAllText(
            Line.File("data/endpoints.json"),
            JsonSerializer.Serialize(
                new
                {
                    identity = issuer.Url,
                    catalog = url,
                    sharing = url,
                    replication = url,
                    billing = url,
                }
            )
        );
        File.WriteAllText(
            Line.File("data/secrets/principals.json"),
            JsonSerializer.Serialize(
                new[]
                {
                    new
                    {
                        name = "owner",
                        clientId = "owner-client",
                        clientSecret = TestIssuer.ClientSecret,
                        tenantId = TestPrincipal.Owner.TenantId,
                        objectId = TestPrincipal.Owner.ObjectId,
                        displayName = "Olivia Owner",
                    },
                    new
                    {
                        name = "reader",
                        clientId = "reader-client",
                        clientSecret = "wrong",
                        tenantId = TestPrincipal.Reader.TenantId,
                        objectId = TestPrincipal.Reader.ObjectId,
                        displayName = "Robin Reader",
                    },
                }
            )
        );
    }
}
