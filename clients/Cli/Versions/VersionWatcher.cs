using Gallery.Cli.Names;
using Gallery.Cli.Progress;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.Cli.Versions;

/// <summary>Follows a version live until it has come to rest.</summary>
internal static class VersionWatcher
{
    /// <summary>A version that was just accepted is not known to Replication before its event has arrived.</summary>
    private static readonly TimeSpan PatienceForNews = TimeSpan.FromSeconds(60);

    /// <summary>A service may be restarted while one watches.</summary>
    private static readonly TimeSpan PatienceForService = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>Shows the rows of a version as they change, until every region is complete or was given up.</summary>
    /// <returns>The last status.</returns>
    public static async Task<ReplicationStatus> FollowAsync(Invocation invocation, ResourceName version, WatchGoal goal)
    {
        try
        {
            return await invocation.Progress.ShowRegionsAsync(view => WatchAsync(invocation, version, goal, view));
        }
        catch when (invocation.Cancellation.IsCancellationRequested)
        {
            invocation.Progress.Say($"The replication goes on. Follow it with: gallery version status {version.Short} --watch");
            throw;
        }
    }

    /// <summary>Waits until Catalog has taken in what Replication reported, so that the next command finds it.</summary>
    /// <returns>The version as it has come to rest, or as it is when that takes too long.</returns>
    public static async Task<ImageVersion> SettleAsync(Invocation invocation, ImageVersion version)
    {
        var client = invocation.Services.Versions;
        try
        {
            var until = invocation.Surroundings.Time.GetUtcNow().UtcDateTime + PatienceForNews;
            using var watch = client.WatchImageVersion(
                new WatchImageVersionRequest { Name = version.Name, UntilSettled = true },
                deadline: until,
                cancellationToken: invocation.Cancellation
            );
            await foreach (var news in watch.ResponseStream.ReadAllAsync(invocation.Cancellation))
            {
                version = news.ImageVersion;
            }
        }
        catch (RpcException late) when (late.StatusCode == StatusCode.DeadlineExceeded)
        {
            return version;
        }

        return version;
    }

    /// <summary>Waits until a version that is being deleted is gone.</summary>
    public static async Task WaitUntilGoneAsync(Invocation invocation, ResourceName version)
    {
        try
        {
            using var watch = invocation.Services.Versions.WatchImageVersion(
                new WatchImageVersionRequest { Name = version.ToString() },
                cancellationToken: invocation.Cancellation
            );
            await foreach (var news in watch.ResponseStream.ReadAllAsync(invocation.Cancellation))
            {
                if (news.ImageVersion.ProvisioningState is ProvisioningState.SoftDeleted)
                {
                    return;
                }

                if (news.ImageVersion.ProvisioningState is ProvisioningState.Failed)
                {
                    throw CommandFailure.Failed(
                        $"The version could not be deleted: {news.ImageVersion.ProvisioningDetails}",
                        "Delete it again."
                    );
                }
            }
        }
        catch (RpcException gone) when (gone.StatusCode == StatusCode.NotFound)
        {
            return;
        }
    }

    /// <summary>Ends the command with exit code 1 when a region was given up.</summary>
    /// <exception cref="CommandFailure">One was.</exception>
    public static void RequireComplete(ResourceName version, ReplicationStatus status)
    {
        var givenUp = status
            .Summary.Where(row => row.State is RegionalReplicationState.Failed or RegionalReplicationState.Cancelled)
            .ToList();
        if (givenUp.Count > 0)
        {
            throw CommandFailure.Failed(
                $"{version.Short} is not complete: {string.Join("; ", givenUp.Select(row => $"{row.Region}: {row.Details}"))}",
                $"The regions that are complete stay usable. Try another once more: gallery version retry {version.Short} --region {givenUp[0].Region}"
            );
        }
    }

    private static async Task<ReplicationStatus> WatchAsync(Invocation invocation, ResourceName version, WatchGoal goal, IRegionView view)
    {
        var time = invocation.Surroundings.Time;
        var lastNews = time.GetTimestamp();
        ReplicationStatus? last = null;
        while (true)
        {
            try
            {
                using var watch = invocation.Services.Replication.WatchReplicationStatus(
                    new WatchReplicationStatusRequest { Version = version.ToString() },
                    cancellationToken: invocation.Cancellation
                );
                await foreach (var news in watch.ResponseStream.ReadAllAsync(invocation.Cancellation))
                {
                    lastNews = time.GetTimestamp();
                    if (goal.Concerns(news.Status))
                    {
                        last = news.Status;
                        view.Show(last);
                    }

                    if (goal.IsReached(news.Status))
                    {
                        return news.Status;
                    }
                }
            }
            catch (RpcException unknown)
                when (unknown.StatusCode == StatusCode.NotFound
                    && last is null
                    && goal.Uid is not null
                    && time.GetElapsedTime(lastNews) < PatienceForNews
                )
            {
                // Accepted by Catalog and not yet heard of by Replication.
            }
            catch (RpcException away)
                when (away.StatusCode == StatusCode.Unavailable && last is not null && time.GetElapsedTime(lastNews) < PatienceForService)
            {
                view.Note("the replication service does not answer; trying again");
            }

            await Task.Delay(Pause, time, invocation.Cancellation);
        }
    }
}
