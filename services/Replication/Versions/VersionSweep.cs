using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Versions;

/// <summary>
/// Compares everything that Catalog wants with everything that is there, again and again: a lost event costs time, never correctness. One
/// process does it for all.
/// </summary>
internal sealed partial class VersionSweep(
    ImageVersionService.ImageVersionServiceClient catalog,
    RedisStore redis,
    VersionStore store,
    VersionReconciler reconciler,
    RegionRegistry regions,
    IOptions<ReconcileOptions> options,
    ILogger<VersionSweep> logger
) : BackgroundService
{
    private const int PageSize = 200;

    private readonly string _holder = Guid.NewGuid().ToString("N");

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var key = redis.Partitions[0].Key("sweep");
                var lease = 2 * options.Value.SweepInterval;
                if (await redis.Database.LockExtendAsync(key, _holder, lease) || await redis.Database.LockTakeAsync(key, _holder, lease))
                {
                    await SweepAsync(stoppingToken);
                }
            }
            catch (Exception exception) when (exception is RpcException || RedisErrors.Is(exception))
            {
                LogInterrupted(exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(options.Value.SweepInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        for (var (partition, partitions) = (0, 1); partition < partitions; partition++)
        {
            var token = "";
            do
            {
                var page = await catalog.ListVersionsForReconcileAsync(
                    new ListVersionsForReconcileRequest
                    {
                        Partition = partition,
                        PageSize = PageSize,
                        PageToken = token,
                    },
                    cancellationToken: cancellationToken
                );
                foreach (var version in page.ImageVersions)
                {
                    await CompareAsync(version, wanted, cancellationToken);
                }

                (token, partitions) = (page.NextPageToken, page.PartitionCount);
            } while (token.Length > 0);
        }

        await DropUnknownAsync(wanted, cancellationToken);
    }

    private async Task CompareAsync(ImageVersion version, HashSet<string> wanted, CancellationToken cancellationToken)
    {
        if (!ResourceName.TryParse(version.Name, ResourceKind.ImageVersion, out var name))
        {
            return;
        }

        wanted.Add(name.Key);
        try
        {
            var known = await store.ReadRecordAsync(name, cancellationToken);
            var desired = DesiredVersion.From(version);
            if (known is null || IsDifferent(known, desired) || known.Regions.Any(HasMoved))
            {
                LogDifferent(name.Value);
                await reconciler.ReconcileAsync(name, cancellationToken);
            }
            else if (version.ProvisioningState is not (ProvisioningState.Succeeded or ProvisioningState.SoftDeleted))
            {
                await reconciler.RemindAsync(name, version, cancellationToken);
            }
        }
        catch (RpcException error)
        {
            // The others are compared all the same; this one's turn comes again.
            LogInterrupted($"{name}: {error.Status.Detail}");
        }
    }

    /// <summary>Versions that are here and that Catalog did not list: asked for one by one, since they may be newer than the list.</summary>
    private async Task DropUnknownAsync(HashSet<string> wanted, CancellationToken cancellationToken)
    {
        foreach (var partition in redis.Partitions)
        {
            var page = PageRequest.From(PageSize, "", "versions");
            do
            {
                var index = await redis.ReadIndexAsync(VersionKeys.All(partition), page, cancellationToken);
                foreach (var member in index.Members.Where(member => !wanted.Contains(member)))
                {
                    if (
                        ResourceName.TryParse(member, ResourceKind.ImageVersion, out var name)
                        && await store.ReadRecordAsync(name, cancellationToken) is { Phase: not VersionPhase.Retired }
                    )
                    {
                        await reconciler.ReconcileAsync(name, cancellationToken);
                    }
                }

                page = index.NextPageToken.Length == 0 ? null : PageRequest.From(PageSize, index.NextPageToken, "versions");
            } while (page is not null);
        }
    }

    /// <summary>Whether a region was taken out of the configuration, or put in again, since the version was reconciled.</summary>
    private bool HasMoved(RegionRecord region) => region.WantedCount > 0 && region.Absent == regions.Contains(region.Region);

    private static bool IsDifferent(VersionRecord known, DesiredVersion desired)
    {
        if (desired.IsDeleting)
        {
            return known.Phase != VersionPhase.Retired && known.Uid == desired.Uid;
        }

        var targets = known
            .Regions.Where(region => region.WantedCount > 0)
            .Select(region => (region.Region, region.Scaling is null ? region.WantedCount : region.TargetCount, region.ExcludedFromLatest));
        return known.Uid != desired.Uid
            || known.Generation < desired.Generation
            || known.Phase != (desired.IsSoftDeleted ? VersionPhase.SoftDeleted : VersionPhase.Active)
            || !targets.SequenceEqual(desired.Targets.Select(target => (target.Region, target.Count, target.ExcludedFromLatest)));
    }

    [LoggerMessage(3510, LogLevel.Information, "Version {Version} differs from what Catalog wants")]
    private partial void LogDifferent(string version);

    [LoggerMessage(3511, LogLevel.Warning, "The comparison with Catalog was interrupted: {Reason}")]
    private partial void LogInterrupted(string reason);
}
