using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>The whole house with links that can fail before its regions, little patience, and a definition to publish versions of.</summary>
/// <param name="portBase">First of the ports that it uses.</param>
/// <param name="prefix">What the name of its temporary folder begins with.</param>
public class FaultyHouse(int portBase, string prefix) : IAsyncDisposable
{
    /// <summary>The subscription of the seeded owner.</summary>
    public const string Subscription = "subscriptions/00000000-0000-0000-0000-00000000000a";

    /// <summary>The definition.</summary>
    public const string Definition = Subscription + "/resourceGroups/rg1/galleries/prod/images/ubuntu";

    /// <summary>The regions with a link before them.</summary>
    public static readonly IReadOnlyList<string> Regions = ["westus", "eastus", "northeurope", "brazilsouth"];

    private readonly string _root = Directory.CreateTempSubdirectory(prefix).FullName;

    /// <summary>The processes.</summary>
    public GallerySuite Suite { get; private set; } = null!;

    /// <summary>What lies between the regions' nodes and everybody else.</summary>
    public RegionLinks Links { get; } = RegionLinks.Open(portBase, [.. Regions]);

    /// <summary>A path that is gone with the house.</summary>
    public string Scratch(string name) => Path.Combine(_root, name);

    /// <summary>Starts the processes and makes the definition.</summary>
    /// <param name="settings">Environment variables beside those that faults need.</param>
    public async Task StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        var all = new Dictionary<string, string>(Links.Settings)
        {
            // As patient as a person who watches a test.
            ["Region__SourceTimeout"] = "00:00:03",
            ["Region__CollectionInterval"] = "00:00:02",
            ["Work__SilenceLimit"] = "00:00:05",
            ["Work__ClaimLease"] = "00:00:05",
            ["Work__RetryMaxDelay"] = "00:00:05",
        };
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        Suite = await GallerySuite.StartAsync(Scratch("house"), portBase, all);
        await Suite.SucceedAsync("login", "--as", "owner");
        await Suite.SucceedAsync("gallery", "create", "prod", "--group", "rg1", "--location", "westus");
        await Suite.SucceedAsync([
            .. "definition create ubuntu --gallery prod --group rg1 --os linux --state generalized".Split(' '),
            .. "--publisher contoso --offer server --sku 24-lts".Split(' '),
        ]);
    }

    /// <summary>The command that publishes a disk.</summary>
    public static string[] PublishCommand(string disk, string version, params string[] targets) =>
        [
            "image",
            "publish",
            disk,
            "--gallery",
            "prod",
            "--group",
            "rg1",
            "--definition",
            "ubuntu",
            "--version",
            version,
            .. targets.SelectMany(target => target.StartsWith('-') ? [target] : new[] { "--to", target }),
        ];

    /// <summary>The rows of a version.</summary>
    public async Task<ReplicationStatus> StatusAsync(string version) =>
        (
            await new ReplicationService.ReplicationServiceClient(
                await Suite.CallAsAsync("owner", "replication")
            ).GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = $"{Definition}/versions/{version}" })
        ).Status;

    /// <summary>What is wanted of a version.</summary>
    public async Task<ImageVersion> VersionAsync(string version) =>
        (
            await new ImageVersionService.ImageVersionServiceClient(await Suite.CallAsAsync("owner", "catalog")).GetImageVersionAsync(
                new GetImageVersionRequest { Name = $"{Definition}/versions/{version}" }
            )
        ).ImageVersion;

    /// <summary>Waits until a version is complete in all its regions. A service that is away meanwhile may be so; one that fails may not.</summary>
    public Task SucceededAsync(string version, int seconds = 60) =>
        Eventually.Async(
            async () =>
            {
                try
                {
                    return (await VersionAsync(version)).ProvisioningState == ProvisioningState.Succeeded
                        && (await StatusAsync(version)).AggregatedState == AggregatedReplicationState.Completed;
                }
                catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable || error.Status.DebugException is not null)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(seconds),
            $"{version} to be complete"
        );

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Suite is not null)
        {
            await Suite.DisposeAsync();
        }

        await Links.DisposeAsync();
        Directory.Delete(_root, recursive: true);
        GC.SuppressFinalize(this);
    }
}
