using System.Collections.Concurrent;
using System.Diagnostics;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit.Suite;

namespace Gallery.Benchmarks;

/// <summary>
/// Many versions of tiny contents published at once to five regions, by one subscription, and in the middle of it a single one by another:
/// how many replicas a second become complete, how long the last one waits, and whether each region and each subscription gets its share.
/// </summary>
internal static class QueueBenchmark
{
    private const int Contents = 32;
    private const int Callers = 24;
    private const string Owner = "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/bench";
    private const string OtherOwner = "subscriptions/00000000-0000-0000-0000-00000000000b/resourceGroups/bench";
    private static readonly string[] Regions = ["westus", "eastus", "northeurope", "brazilsouth", "australiacentral"];

    public static async Task RunAsync(int versions)
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        var settings = new Dictionary<string, string>
        {
            ["Regions__4__Restricted"] = "false",
            ["Limits__ImageVersions"] = $"{versions + 1}",
            ["Logging__LogLevel__Default"] = "Warning",
        };
        await using var suite = await GallerySuite.StartAsync(Path.Combine(root, "house"), 29300, settings);
        var catalog = new ImageVersionService.ImageVersionServiceClient(await suite.CallAsAsync("owner", "catalog"));
        var definition = await PrepareAsync(suite, "owner", Owner);
        var sources = new List<string>();
        var disks = new TinyDisks(new SnapshotService.SnapshotServiceClient(await suite.CallAsAsync("owner", "replication")), Owner);
        for (var number = 0; number < Contents; number++)
        {
            sources.Add(await disks.CreateAsync($"tiny-{number}", Regions[0]));
        }

        var otherDefinition = await PrepareAsync(suite, "other-owner", OtherOwner);
        var otherCalls = await suite.CallAsAsync("other-owner", "catalog");
        var otherDisks = new TinyDisks(
            new SnapshotService.SnapshotServiceClient(await suite.CallAsAsync("other-owner", "replication")),
            OtherOwner
        );
        var otherSource = await otherDisks.CreateAsync("tiny", Regions[0]);

        var clock = Stopwatch.StartNew();
        var accepted = new ConcurrentDictionary<string, DateTimeOffset>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, versions),
            new ParallelOptions { MaxDegreeOfParallelism = Callers },
            async (number, _) =>
            {
                var version = await CreateAsync(catalog, definition, $"1.0.{number}", sources[number % Contents]);
                accepted[version.Name] = version.CreateTime.ToDateTimeOffset();
            }
        );
        Console.WriteLine(
            $"queue: {versions} versions accepted in {clock.Elapsed.TotalSeconds:F1} s, {versions / clock.Elapsed.TotalSeconds:F0} a second"
        );
        var single = await CreateAsync(
            new ImageVersionService.ImageVersionServiceClient(otherCalls),
            otherDefinition,
            "1.0.0",
            otherSource
        );
        accepted[single.Name] = single.CreateTime.ToDateTimeOffset();
        await UntilSucceededAsync(catalog, definition, versions, clock);

        var rows = await RowsAsync(suite, [.. accepted.Keys]);
        Report(rows, accepted, single.Name);
    }

    private static async Task<string> PrepareAsync(GallerySuite suite, string principal, string group)
    {
        var calls = await suite.CallAsAsync(principal, "catalog");
        await new GalleryService.GalleryServiceClient(calls).CreateGalleryAsync(
            new CreateGalleryRequest
            {
                Parent = group,
                GalleryId = "bench",
                Gallery = new Contracts.Catalog.V1.Gallery { Location = Regions[0] },
            }
        );
        var definitions = new ImageDefinitionService.ImageDefinitionServiceClient(calls);
        var request = new CreateImageDefinitionRequest
        {
            Parent = $"{group}/galleries/bench",
            ImageDefinitionId = "tiny",
            ImageDefinition = new ImageDefinition
            {
                Location = Regions[0],
                OsType = Contracts.Common.V1.OperatingSystem.Linux,
                OsState = OperatingSystemState.Generalized,
                Identifier = new ImageIdentifier
                {
                    Publisher = "bench",
                    Offer = "bench",
                    Sku = "tiny",
                },
            },
        };
        return (await definitions.CreateImageDefinitionAsync(request)).ImageDefinition.Name;
    }

    private static async Task<ImageVersion> CreateAsync(
        ImageVersionService.ImageVersionServiceClient catalog,
        string definition,
        string id,
        string snapshot
    )
    {
        var answer = await catalog.CreateImageVersionAsync(
            new CreateImageVersionRequest
            {
                Parent = definition,
                ImageVersionId = id,
                ImageVersion = new ImageVersion
                {
                    Location = Regions[0],
                    StorageProfile = new StorageProfile { OsDiskImage = new OsDiskImage { Snapshot = snapshot } },
                    PublishingProfile = new ImageVersionPublishingProfile
                    {
                        TargetRegions = { Regions.Select(region => new TargetRegion { Name = region, RegionalReplicaCount = 1 }) },
                    },
                },
            }
        );
        return answer.ImageVersion;
    }

    private static async Task UntilSucceededAsync(
        ImageVersionService.ImageVersionServiceClient catalog,
        string definition,
        int versions,
        Stopwatch clock
    )
    {
        while (true)
        {
            var (succeeded, page) = (0, "");
            do
            {
                var answer = await catalog.ListImageVersionsAsync(
                    new ListImageVersionsRequest
                    {
                        Parent = definition,
                        PageSize = 250,
                        PageToken = page,
                    }
                );
                succeeded += answer.ImageVersions.Count(version => version.ProvisioningState == ProvisioningState.Succeeded);
                page = answer.NextPageToken;
            } while (page.Length > 0);
            Console.WriteLine($"queue:   after {clock.Elapsed.TotalSeconds, 5:F0} s {succeeded} versions have succeeded");
            if (succeeded == versions)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(10));
        }
    }

    private static async Task<IReadOnlyDictionary<string, IReadOnlyList<RegionalReplicationStatus>>> RowsAsync(
        GallerySuite suite,
        IReadOnlyList<string> names
    )
    {
        var rows = new ConcurrentDictionary<string, IReadOnlyList<RegionalReplicationStatus>>();
        var clients = new Dictionary<string, ReplicationService.ReplicationServiceClient>
        {
            [Owner] = new(await suite.CallAsAsync("owner", "replication")),
            [OtherOwner] = new(await suite.CallAsAsync("other-owner", "replication")),
        };
        await Parallel.ForEachAsync(
            names,
            new ParallelOptions { MaxDegreeOfParallelism = Callers },
            async (name, _) =>
            {
                var client = clients.First(entry => name.StartsWith(entry.Key, StringComparison.OrdinalIgnoreCase)).Value;
                var status = (await client.GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = name })).Status;
                rows[name] =
                    status.AggregatedState == AggregatedReplicationState.Completed
                        ? [.. status.Summary]
                        : throw new InvalidOperationException($"{name} is not complete: {status}");
            }
        );
        return rows;
    }

    private static void Report(
        IReadOnlyDictionary<string, IReadOnlyList<RegionalReplicationStatus>> rows,
        ConcurrentDictionary<string, DateTimeOffset> accepted,
        string single
    )
    {
        var start = accepted.Values.Min();
        foreach (var region in Regions)
        {
            var ends = rows
                .Values.SelectMany(version => version)
                .Where(row => row.Region == region)
                .Select(row => (row.UpdateTime.ToDateTimeOffset() - start).TotalSeconds)
                .Order()
                .ToList();
            var gap = ends.Zip(ends.Skip(1), (one, next) => next - one).DefaultIfEmpty().Max();
            Console.WriteLine(
                $"queue:   {region, -17} {ends.Count} replicas, {ends.Count / ends[^1]:F0} a second; half of them after {ends[ends.Count / 2]:F1} s, all after {ends[^1]:F1} s; longest pause {gap:F1} s"
            );
        }

        var lags = rows.Where(entry => entry.Key != single)
            .Select(entry => (entry.Value.Max(row => row.UpdateTime.ToDateTimeOffset()) - accepted[entry.Key]).TotalSeconds)
            .Order()
            .ToList();
        var last = rows.Values.SelectMany(version => version).Max(row => row.UpdateTime.ToDateTimeOffset());
        var replicas = rows.Values.Sum(version => version.Count);
        Console.WriteLine(
            $"queue: {replicas} replicas in {(last - start).TotalSeconds:F1} s: {replicas / (last - start).TotalSeconds:F0} a second"
        );
        Console.WriteLine($"queue: a version waits {lags[lags.Count / 2]:F1} s at the median and {lags[^1]:F1} s at the worst");
        var alone = rows[single].Max(row => row.UpdateTime.ToDateTimeOffset()) - accepted[single];
        Console.WriteLine($"queue: another subscription's single version, published last, waits {alone.TotalSeconds:F1} s");
    }
}
