using System.Runtime.ExceptionServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;

namespace Gallery.Region.Replicas;

/// <summary>
/// The work of making one replica complete. Each disk is taken from the first source that gives it, going on with the next source where one
/// fails; then everything is flushed and checked against the manifests. What arrived stays, whatever happens.
/// </summary>
/// <param name="order">What is to be made.</param>
/// <param name="target">Where to.</param>
/// <param name="sources">Opens sources.</param>
/// <param name="earlier">Contents of the target that a disk may resemble.</param>
/// <param name="telemetry">Told how it ends.</param>
/// <param name="homeRegion">The region of this node.</param>
/// <param name="transferredBefore">Block bytes that earlier attempts brought from other regions.</param>
internal sealed class PullJob(
    PullOrder order,
    RegionStore target,
    SourceOpener sources,
    Func<ReplicaDiskRecord, IReadOnlyList<BlockDigest>> earlier,
    RegionTelemetry telemetry,
    string homeRegion,
    long transferredBefore
) : IAsyncDisposable
{
    // A collection may free a block between the moment it was found and the check at the end. Then it is fetched again.
    private const int Rounds = 3;

    private readonly TransferProgress[] _progress = [.. order.Disks.Select(_ => new TransferProgress())];
    private readonly CancellationTokenSource _ending = new();
    private volatile ReplicaState _state = ReplicaState.Waiting;
    private volatile string _sourceRegion = "";
    private Task _work = Task.CompletedTask;

    /// <summary>Finds room for it.</summary>
    public required PullRoom Room { get; init; }

    /// <summary>
    /// Reads everything that is there and has what is damaged count as not there; false when it found some. For a replica that is repaired:
    /// only reading tells which of its blocks are sound.
    /// </summary>
    public Func<CancellationToken, ValueTask<bool>>? Verify { get; init; }

    /// <summary>True until it has succeeded, failed or was ended.</summary>
    public bool IsRunning => !_work.IsCompleted;

    /// <summary>Done when the work is; fails as the work fails.</summary>
    public Task Completion => _work;

    /// <summary>Where it stands.</summary>
    public ReplicaState State => _state;

    /// <summary>The region that bytes came from last; empty while none came.</summary>
    public string SourceRegion => _sourceRegion;

    /// <summary>Where it goes.</summary>
    public StoreName Store => order.Store;

    /// <summary>Bytes that room was found for and that it is still to write.</summary>
    public long LackingBytes => IsRunning ? _progress.Sum(disk => disk.LackingBytes) : 0;

    /// <summary>Bytes in place.</summary>
    public long CopiedBytes => _progress.Sum(disk => disk.CopiedBytes);

    /// <summary>Block bytes that came from other regions, earlier attempts included.</summary>
    public long TransferredBytes => transferredBefore + _progress.Sum(disk => disk.TransferredBytes);

    /// <summary>Begins the work.</summary>
    /// <param name="admit">Waits until the work may begin; what it gives is disposed of at the end.</param>
    /// <param name="complete">Writes down that the replica is ready, while no collection can run.</param>
    /// <param name="end">Told how it ended: null, or the failure.</param>
    public void Start(
        Func<CancellationToken, ValueTask<IDisposable>> admit,
        Func<CancellationToken, ValueTask> complete,
        Func<Exception?, ValueTask> end
    ) => _work = Task.Run(() => RunAsync(admit, complete, end));

    /// <summary>Ends the work and waits until it has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _work.ContinueWith(_ => { }, TaskScheduler.Default);
        _ending.Dispose();
    }

    private async Task RunAsync(
        Func<CancellationToken, ValueTask<IDisposable>> admit,
        Func<CancellationToken, ValueTask> complete,
        Func<Exception?, ValueTask> end
    )
    {
        using var activity = telemetry.StartPull(order);
        try
        {
            using (await admit(_ending.Token))
            {
                await CopyAndCheckAsync(complete, _ending.Token);
            }

            telemetry.PullEnded("ready", _sourceRegion, TransferredBytes - transferredBefore);
        }
        catch (Exception exception)
        {
            _state = ReplicaState.Failed;
            telemetry.PullEnded(
                exception is OperationCanceledException ? "ended" : "failed",
                _sourceRegion,
                TransferredBytes - transferredBefore
            );
            activity?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, exception.Message);
            await end(exception);
            throw;
        }

        await end(null);
    }

    private async Task CopyAndCheckAsync(Func<CancellationToken, ValueTask> complete, CancellationToken cancellationToken)
    {
        Room.RequireAtLeast(this, target, order.Disks);
        for (var round = 0; round < Rounds; round++)
        {
            _state = ReplicaState.Copying;
            var roots = new RootNode[order.Disks.Count];
            for (var disk = 0; disk < roots.Length; disk++)
            {
                roots[disk] = await CopyDiskAsync(disk, cancellationToken);
            }

            _state = ReplicaState.Verifying;
            await target.Blocks.FlushAsync(cancellationToken);
            if (Verify is not null && !await Verify(cancellationToken))
            {
                continue;
            }

            using (await target.Gate.EnterAsync(cancellationToken))
            {
                if (await IsCompleteAsync(roots, cancellationToken))
                {
                    await complete(cancellationToken);
                    _state = ReplicaState.Ready;
                    return;
                }
            }
        }

        throw new RegionException(ErrorReason.ContentCorrupt, $"The replica {order.ReplicaId} was still incomplete after {Rounds} rounds.");
    }

    private async ValueTask<bool> IsCompleteAsync(RootNode[] roots, CancellationToken cancellationToken)
    {
        foreach (var root in roots)
        {
            if (await ContentTransfer.MissingBytesAsync(target, root, cancellationToken) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<RootNode> CopyDiskAsync(int disk, CancellationToken cancellationToken)
    {
        RegionException? failure = null;
        foreach (var place in order.Sources)
        {
            try
            {
                _progress[disk].Restart();
                if (sources.TryOpen(place, disk, order.Disks[disk]) is { } source)
                {
                    return await CopyDiskAsync(disk, source, cancellationToken);
                }
            }
            catch (RegionException exception)
                when (exception is not StorageExhaustedException && exception.Reason != ErrorReason.InvalidParameter)
            {
                failure = Worse(failure, exception);
            }
        }

        ExceptionDispatchInfo.Throw(
            failure ?? new RegionException(ErrorReason.ContentNotFound, $"No source has the content {order.Disks[disk].Digest}.")
        );
        return null!;
    }

    private async Task<RootNode> CopyDiskAsync(int disk, IContentSource source, CancellationToken cancellationToken)
    {
        var expected = order.Disks[disk];
        var progress = _progress[disk];
        var transfer = new ContentTransfer(target, progress, earlier(expected))
        {
            Admit = missing => Room.Require(this, target, progress, missing),
        };
        var crosses = source.Region != homeRegion;
        if (crosses)
        {
            _sourceRegion = source.Region;
        }

        var root = (await transfer.RunAsync(source, expected.Content, crosses, cancellationToken)).Root;
        return root.VirtualSize == expected.VirtualSize && root.OccupiedSize == expected.OccupiedSize
            ? root
            : throw new RegionException(
                ErrorReason.InvalidParameter,
                $"disks[{disk}].content: {expected.Digest} is a disk of {root.VirtualSize} bytes with {root.OccupiedSize} occupied, not of "
                    + $"{expected.VirtualSize} with {expected.OccupiedSize}."
            );
    }

    /// <summary>Of several sources' failures the one that says most: one that can't be reached may yet have what the others lack.</summary>
    private static RegionException Worse(RegionException? first, RegionException second) =>
        first is null
        || (first.Reason == ErrorReason.ContentNotFound && second.Reason != ErrorReason.ContentNotFound)
        || (first.Reason != ErrorReason.RegionUnavailable && second.Reason == ErrorReason.RegionUnavailable)
            ? second
            : first;
}
