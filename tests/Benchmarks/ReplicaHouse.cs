using System.Globalization;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit.Suite;

namespace Gallery.Benchmarks;

/// <summary>A house with a gallery, for the benchmarks that read replicas and place machines on them.</summary>
internal sealed class ReplicaHouse : IAsyncDisposable
{
    private const int PortBase = 27600;
    private const string Subscription = "subscriptions/00000000-0000-0000-0000-00000000000a";

    private readonly GallerySuite _suite;

    private ReplicaHouse(GallerySuite suite) => _suite = suite;

    /// <summary>Starts one.</summary>
    public static async Task<ReplicaHouse> StartAsync(string root, params (string Name, string Value)[] settings)
    {
        var suite = await GallerySuite.StartAsync(root, PortBase, settings.ToDictionary(setting => setting.Name, setting => setting.Value));
        await suite.SucceedAsync("login", "--as", "owner");
        await suite.SucceedAsync("gallery", "create", "bench", "--group", "bench", "--location", "westus");
        return new ReplicaHouse(suite);
    }

    /// <summary>Publishes a disk as the only version of a definition of its own, and waits until its replicas are there.</summary>
    public async Task PublishAsync(string disk, string definition, int replicas)
    {
        await _suite.SucceedAsync([
            .. $"definition create {definition} --gallery bench --group bench --os linux --state generalized".Split(' '),
            .. $"--publisher bench --offer bench --sku {definition}".Split(' '),
        ]);
        await _suite.SucceedAsync([
            .. $"image publish {disk} --gallery bench --group bench --definition {definition} --version 1.0.0".Split(' '),
            "--to",
            $"westus={replicas}",
            "--watch",
        ]);
    }

    /// <summary>Places machines on the replicas of a definition's version.</summary>
    public async Task<PlaceDeploymentResponse> PlaceAsync(string definition, int machines, int? ordinal = null)
    {
        var placement = new PlacementService.PlacementServiceClient(await _suite.CallAsAsync("owner", "replication"));
        var request = new PlaceDeploymentRequest
        {
            Image = $"{Subscription}/resourceGroups/bench/galleries/bench/images/{definition}",
            Region = "westus",
            MachineCount = machines,
        };
        if (ordinal is { } only)
        {
            request.ReplicaOrdinal = only;
        }

        return await placement.PlaceDeploymentAsync(request);
    }

    /// <summary>Ends leases.</summary>
    public async Task ReleaseAsync(IEnumerable<Lease> leases)
    {
        var placement = new PlacementService.PlacementServiceClient(await _suite.CallAsAsync("owner", "replication"));
        foreach (var lease in leases)
        {
            await placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = lease.Name });
        }
    }

    /// <summary>The most memory that a process had so far, in bytes.</summary>
    public long PeakMemory(string resource) =>
        File.ReadLines($"/proc/{_suite.PidOf(resource)}/status")
            .Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Select(line => 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture))
            .Single();

    /// <summary>Bytes that a process has read from files so far, from the page cache or not.</summary>
    public long BytesRead(string resource) =>
        File.ReadLines($"/proc/{_suite.PidOf(resource)}/io")
            .Where(line => line.StartsWith("rchar:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))
            .Single();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _suite.DisposeAsync();
}
