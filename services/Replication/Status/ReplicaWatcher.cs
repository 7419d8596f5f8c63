using System.Diagnostics;
using Gallery.Contracts.Common.V1;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Status;

/// <summary>Tells a watcher how the replicas of a version change.</summary>
internal sealed class ReplicaWatcher(
    IAccessChecker access,
    VersionStore versions,
    FreshVersions fresh,
    RegionRegistry regions,
    ChangeSignals signals,
    IOptions<WatchOptions> options,
    TimeProvider clock
)
{
    private const int MostRegions = 100;

    /// <summary>Serves one stream to its end.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="stream">Where to.</param>
    /// <param name="action">The action that a watcher needs on the version.</param>
    /// <param name="services">Services that may watch, too.</param>
    /// <param name="context">The call.</param>
    public async Task RunAsync(
        V1.WatchReplicasRequest request,
        IServerStreamWriter<V1.WatchReplicasResponse> stream,
        string action,
        string[] services,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.Parent, "parent", ResourceKind.ImageVersion);
        var meant = RequireRegions(request);
        await access.RequireAsync(context, action, name.Value, orServices: services);
        var source = WatchToken.StreamOf(name.Key, meant);
        var seen = WatchToken.Read(request.ResumeToken, source);
        // Begun before the first look, so that no change falls between.
        using var waiter = signals.OfVersion(name);
        var document = await fresh.RequireAsync(name, context);
        var checkedAt = Stopwatch.GetTimestamp();
        for (var first = true; ; first = false)
        {
            var outcome = WaitRules.Of(document, request.Wait, meant);
            var news = NewsOf(document, meant, seen);
            if (first || outcome.Fulfilled || news.Replicas.Count > 0 || news.RemovedUids.Count > 0)
            {
                news.ResumeToken = WatchToken.Write(source, document.Version.Uid, seen);
                news.Fulfilled = outcome.Fulfilled;
                await stream.WriteAsync(news, context.CancellationToken);
            }

            if (outcome.Fulfilled)
            {
                return;
            }

            if (outcome.Ended.Length > 0)
            {
                throw GalleryError.Create(
                    StatusCode.FailedPrecondition,
                    ErrorReason.ReplicationEnded,
                    $"What is waited for can't come any more: {outcome.Ended}. RetryRegion tries a region again."
                );
            }

            await Task.Delay(options.Value.MinInterval, context.CancellationToken);
            await waiter.WaitAsync(options.Value.PollInterval, context.CancellationToken);
            if (Stopwatch.GetElapsedTime(checkedAt) > options.Value.AccessCheckInterval)
            {
                checkedAt = Stopwatch.GetTimestamp();
                await access.RequireAsync(context, action, name.Value, orServices: services);
            }

            document = FreshVersions.RequireWanted(name, await versions.ReadAsync(name, context.CancellationToken));
        }
    }

    private List<string> RequireRegions(V1.WatchReplicasRequest request)
    {
        if (!Enum.IsDefined(request.Wait))
        {
            throw GalleryError.InvalidParameter("wait", "Must be one of the values of ReplicaWait.");
        }

        if (request.Regions.Count > MostRegions)
        {
            throw GalleryError.InvalidParameter("regions", $"Must be at most {MostRegions}.");
        }

        return [.. request.Regions.Select((region, index) => regions.Require(region, $"regions[{index}]").Name).Distinct()];
    }

    /// <summary>What is not known yet, which is known from now on.</summary>
    private V1.WatchReplicasResponse NewsOf(VersionDocument document, List<string> meant, Dictionary<string, ulong> seen)
    {
        var now = clock.GetUtcNow();
        var news = new V1.WatchReplicasResponse();
        var there = new HashSet<string>(StringComparer.Ordinal);
        foreach (
            var replica in document
                .Replicas.Values.Where(replica => meant.Count == 0 || meant.Contains(replica.Region))
                .OrderBy(ReplicaPresenter.SortKey, StringComparer.Ordinal)
        )
        {
            there.Add(replica.Uid);
            var shown = ReplicaPresenter.Show(document, replica, leasedMachines: 0, now);
            // A countdown in the details is no news.
            var constant = shown.Clone();
            constant.Details = replica.Problem;
            var digest = WatchToken.Digest(constant);
            if (!seen.TryGetValue(replica.Uid, out var known) || known != digest)
            {
                seen[replica.Uid] = digest;
                news.Replicas.Add(shown);
            }
        }

        foreach (var uid in seen.Keys.Where(uid => !there.Contains(uid)).ToList())
        {
            seen.Remove(uid);
            news.RemovedUids.Add(uid);
        }

        return news;
    }
}
