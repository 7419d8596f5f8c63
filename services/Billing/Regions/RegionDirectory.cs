using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Billing.Regions;

/// <summary>Knows the regions: asks Replication, which owns them, and goes by its last answer for a while.</summary>
internal sealed partial class RegionDirectory(
    RegionService.RegionServiceClient replication,
    IOptions<RegionOptions> options,
    TimeProvider clock,
    ILogger<RegionDirectory> logger
)
{
    private volatile Known? _known;

    /// <summary>The regions as they were told last.</summary>
    /// <exception cref="RpcException">UNAVAILABLE: Replication does not answer, never did, and the configuration names no regions.</exception>
    public async Task<RegionMap> GetAsync(CancellationToken cancellationToken)
    {
        var known = _known;
        if (known is not null && clock.GetElapsedTime(known.Timestamp) < options.Value.RegionsMaxAge)
        {
            return known.Map;
        }

        try
        {
            var response = await replication.ListRegionsAsync(new ListRegionsRequest(), cancellationToken: cancellationToken);
            var map = new RegionMap(response.Regions.Select(region => new KnownRegion(region.Name, region.Continent, region.ZoneCount)));
            _known = new Known(map, clock.GetTimestamp());
            return map;
        }
        catch (RpcException exception)
            when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Unimplemented)
        {
            LogNotAnswered(exception.StatusCode);
            return known?.Map ?? Fallback() ?? throw GalleryError.DependencyUnavailable("replication");
        }
    }

    private RegionMap? Fallback() =>
        options.Value.Regions.Count == 0
            ? null
            : new RegionMap(
                options.Value.Regions.Select(region => new KnownRegion(RegionMap.Canonical(region.Name), region.Continent, region.Zones))
            );

    [LoggerMessage(3001, LogLevel.Warning, "Replication did not tell its regions ({Code}); those known before are used")]
    private partial void LogNotAnswered(StatusCode code);

    private sealed record Known(RegionMap Map, long Timestamp);
}
