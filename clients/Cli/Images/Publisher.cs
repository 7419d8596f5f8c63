using Gallery.Cli.Errors;
using Gallery.Cli.Output;
using Gallery.Cli.Uploads;
using Gallery.Cli.Versions;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.Cli.Images;

/// <summary>
/// Publishes: asks everything that can be refused before a byte is moved, brings the file into a snapshot of the home region, creates the
/// version, and follows it. What a refused publish has made is removed again.
/// </summary>
internal sealed class Publisher(Invocation invocation, IPublishSource source)
{
    /// <summary>Publishes.</summary>
    /// <param name="request">What, and where to.</param>
    /// <param name="watch">True to return only when nothing is left to do.</param>
    /// <param name="dropSnapshot">True to delete the snapshot then.</param>
    public async Task PublishAsync(PublishRequest request, bool watch, bool dropSnapshot)
    {
        var home = request.HomeFor(await DefinitionLocationAsync(request));
        var id = source.IdFor(request.Version, home, request.Format);
        await RefuseEarlyAsync(request, home, $"{request.Version.Group}/snapshots/{id}");

        var snapshot = await source.MakeAsync(request.Version.Group, id, home, request.Format);
        var version = await CreateVersionAsync(request, home, snapshot);
        if (!watch)
        {
            VersionCommands.Write(invocation, version);
            SayKept(snapshot);
            invocation.Result.Say($"Follow it with: gallery version status {request.Version.Short} --watch");
            return;
        }

        var status = await VersionWatcher.FollowAsync(invocation, request.Version, new WatchGoal(version.Uid, version.Generation));
        version = await VersionWatcher.SettleAsync(invocation, version);
        VersionCommands.Write(invocation, version);
        VersionWatcher.RequireComplete(request.Version, status);
        if (version.ProvisioningState == ProvisioningState.Failed)
        {
            throw CommandFailure.Failed($"{request.Version.Short} failed: {version.ProvisioningDetails}");
        }

        if (dropSnapshot)
        {
            await invocation.Services.Snapshots.DeleteSnapshotAsync(
                new DeleteSnapshotRequest { Name = snapshot.Name },
                cancellationToken: invocation.Cancellation
            );
            return;
        }

        SayKept(snapshot);
    }

    private void SayKept(Snapshot snapshot)
    {
        var size = $"{Human.Bytes(snapshot.Content?.OccupiedSizeBytes ?? 0)} occupied, {Human.Bytes(snapshot.ReceivedBytes)} sent";
        invocation.Result.Say(
            $"The snapshot {snapshot.Name.Split('/')[^1]} ({size}) stays in {snapshot.Region}: a next version sends only what is different. "
                + "'gallery snapshot delete' removes it."
        );
    }

    private async Task<string> DefinitionLocationAsync(PublishRequest request)
    {
        var ask = new GetImageDefinitionRequest { Name = request.Version.Parent.ToString() };
        var answer = await invocation.Services.Definitions.GetImageDefinitionAsync(ask, cancellationToken: invocation.Cancellation);
        return answer.ImageDefinition.Location;
    }

    /// <summary>Has Catalog check the whole request as long as nothing was sent; all but the snapshot, which is not there yet.</summary>
    private async Task RefuseEarlyAsync(PublishRequest request, string home, string snapshot)
    {
        var rehearsal = request.ToCreate(home, snapshot);
        rehearsal.ValidateOnly = true;
        try
        {
            await invocation.Services.Versions.CreateImageVersionAsync(rehearsal, cancellationToken: invocation.Cancellation);
        }
        catch (RpcException refused) when (IsAboutSnapshot(refused, snapshot))
        {
            // As expected: it is made next.
        }

        await RefuseExistingAsync(request);
    }

    /// <summary>A name that is taken would be found out only when the bytes are there. A failed version may be published again.</summary>
    private async Task RefuseExistingAsync(PublishRequest request)
    {
        try
        {
            var ask = new GetImageVersionRequest { Name = request.Version.ToString() };
            var existing = (
                await invocation.Services.Versions.GetImageVersionAsync(ask, cancellationToken: invocation.Cancellation)
            ).ImageVersion;
            if (existing.ProvisioningState != ProvisioningState.Failed)
            {
                throw CommandFailure.Failed(
                    $"The version {request.Version.Short} exists already and is {Human.Words(existing.ProvisioningState)}.",
                    "Publish under another version, or delete it first."
                );
            }
        }
        catch (RpcException free) when (free.StatusCode == StatusCode.NotFound)
        {
            // Good.
        }
    }

    private static bool IsAboutSnapshot(RpcException refused, string snapshot)
    {
        var reason = ErrorReport.From(refused).Reason;
        return reason == "SourceNotUsable"
            || (
                reason == "ResourceNotFound"
                && (
                    refused.GetRpcStatus()?.GetDetail<ResourceInfo>()?.ResourceName.Equals(snapshot, StringComparison.OrdinalIgnoreCase)
                    ?? refused.Status.Detail.Contains(snapshot, StringComparison.OrdinalIgnoreCase)
                )
            );
    }

    private async Task<ImageVersion> CreateVersionAsync(PublishRequest request, string home, Snapshot snapshot)
    {
        try
        {
            var answer = await invocation.Services.Versions.CreateImageVersionAsync(
                request.ToCreate(home, snapshot.Name),
                cancellationToken: invocation.Cancellation
            );
            foreach (var warning in answer.Warnings)
            {
                invocation.Progress.Say($"Warning: {warning}");
            }

            return answer.ImageVersion;
        }
        catch (RpcException refused)
            when (refused.StatusCode is not (StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled))
        {
            await SnapshotUploader.DeleteQuietlyAsync(invocation, snapshot.Name);
            throw;
        }
        catch
        {
            invocation.Progress.Say($"The snapshot {snapshot.Name.Split('/')[^1]} stays: publishing again sends nothing twice.");
            throw;
        }
    }
}
