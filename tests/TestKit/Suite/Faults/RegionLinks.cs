using System.Text.Json;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>Puts a <see cref="FaultyLink"/> before the two ports of regions' nodes: for the other nodes, for Replication and for clients.</summary>
public sealed class RegionLinks : IAsyncDisposable
{
    private const int FirstRegion = 100;
    private const int FirstLink = 130;
    private readonly Dictionary<string, FaultyLink> _links = [];

    private RegionLinks() { }

    /// <summary>What the house has to be started with.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; private set; } = new Dictionary<string, string>();

    /// <summary>The link of a region.</summary>
    public FaultyLink this[string region] => _links[region];

    /// <summary>All of them.</summary>
    public IEnumerable<FaultyLink> All => _links.Values;

    /// <summary>Opens links for regions of the standard installation.</summary>
    /// <param name="portBase">First port of the house.</param>
    /// <param name="regions">Names of the regions.</param>
    public static RegionLinks Open(int portBase, params string[] regions)
    {
        var links = new RegionLinks();
        var settings = new Dictionary<string, string>();
        foreach (var region in regions)
        {
            var index = IndexOf(region);
            var (node, link) = (portBase + FirstRegion + (2 * index), portBase + FirstLink + (2 * index));
            links._links.Add(region, new FaultyLink((link, node), (link + 1, node + 1)));
            settings.Add($"Regions__{index}__HttpUrl", $"http://127.0.0.1:{link}");
            settings.Add($"Regions__{index}__GrpcUrl", $"http://127.0.0.1:{link + 1}");
        }

        links.Settings = settings;
        return links;
    }

    /// <summary>Place of a region in the list of the standard installation.</summary>
    public static int IndexOf(string region)
    {
        var file = Path.Combine(GallerySuite.Repository, "AppHost", "appsettings.json");
        var regions = JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("Regions").EnumerateArray();
        var index = regions.Select(entry => entry.GetProperty("Name").GetString()).ToList().IndexOf(region);
        return index >= 0 ? index : throw new ArgumentException($"There is no region {region} in {file}.", nameof(region));
    }

    /// <summary>Makes all of them slow, each for itself.</summary>
    /// <param name="bytesPerSecond">What each lets through of what its node sends.</param>
    public void Slow(long bytesPerSecond)
    {
        foreach (var link in _links.Values)
        {
            link.Slow(bytesPerSecond);
        }
    }

    /// <summary>Makes all of them as good as new.</summary>
    public void Restore()
    {
        foreach (var link in _links.Values)
        {
            link.Restore();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var link in _links.Values)
        {
            await link.DisposeAsync();
        }
    }
}
