using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Region.Replicas;

/// <summary>Makes and drops replicas for Replication.</summary>
internal sealed class ReplicaGrpcService(ReplicaManager replicas, ReplicaRegistry registry, StoreCollector collector)
    : ReplicaService.ReplicaServiceBase
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(300);

    /// <inheritdoc/>
    public override async Task PullReplica(
        PullReplicaRequest request,
        IServerStreamWriter<PullReplicaResponse> responseStream,
        ServerCallContext context
    )
    {
        context.RequireService("replication");
        var replica = await replicas.PullAsync(RequestChecks.RequireOrder(request), context.CancellationToken);
        var completion = replica.Job?.Completion ?? Task.CompletedTask;
        while (!completion.IsCompleted)
        {
            await WriteAsync(responseStream, replica, context);
            await Task.WhenAny(completion, Task.Delay(ReportInterval, context.CancellationToken));
            context.CancellationToken.ThrowIfCancellationRequested();
        }

        if (completion.IsCanceled)
        {
            throw new RegionException(
                ErrorReason.ResourceMarkedForDeletion,
                $"The pull of replica {replica.Id} was ended: it was stopped or dropped, or the node stops."
            );
        }

        await AnswerFailureAsync(completion, replica.Id);
        await WriteAsync(responseStream, replica, context);
    }

    /// <inheritdoc/>
    public override Task<GetReplicaResponse> GetReplica(GetReplicaRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var view = registry.Get(RequestChecks.RequireId(request.ReplicaId, "replica_id"));
        return Task.FromResult(new GetReplicaResponse { Replica = ToMessage(view) });
    }

    /// <inheritdoc/>
    public override Task<ListReplicasResponse> ListReplicas(ListReplicasRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var page = PageRequest.From(request.PageSize, request.PageToken, "replicas");
        var views = registry.List(page.After, page.Size + 1);
        var response = new ListReplicasResponse();
        response.Replicas.AddRange(views.Take(page.Size).Select(ToMessage));
        response.NextPageToken = views.Count > page.Size ? page.TokenAfter(views[page.Size - 1].Record.Id) : "";
        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override async Task<StopReplicaResponse> StopReplica(StopReplicaRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var id = RequestChecks.RequireId(request.ReplicaId, "replica_id");
        await replicas.StopAsync(id, RequireToken(request.FencingToken), context.CancellationToken);
        return new StopReplicaResponse();
    }

    /// <inheritdoc/>
    public override async Task<DeleteReplicaResponse> DeleteReplica(DeleteReplicaRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var id = RequestChecks.RequireId(request.ReplicaId, "replica_id");
        if (await replicas.DropAsync(id, RequireToken(request.FencingToken), context.CancellationToken) is { } store)
        {
            collector.Request(store);
        }

        return new DeleteReplicaResponse();
    }

    private static long RequireToken(long token) => token >= 0 ? token : throw GalleryError.InvalidParameter("fencing_token", "0 or more");

    /// <summary>A replica as a message.</summary>
    internal static NodeReplica ToMessage(ReplicaView view)
    {
        var record = view.Record;
        var message = new NodeReplica
        {
            ReplicaId = record.Id,
            Store = new ReplicaStore { StorageAccountType = record.StorageAccountType, Ordinal = record.Ordinal },
            State = view.State switch
            {
                ReplicaState.Waiting => NodeReplicaState.Waiting,
                ReplicaState.Copying => NodeReplicaState.Copying,
                ReplicaState.Verifying => NodeReplicaState.Verifying,
                ReplicaState.Ready => NodeReplicaState.Ready,
                ReplicaState.Damaged => NodeReplicaState.Damaged,
                _ => NodeReplicaState.Failed,
            },
            CopiedBytes = view.CopiedBytes,
            TotalBytes = record.TotalBytes,
            TransferredBytes = view.TransferredBytes,
            SourceRegion = record.SourceRegion,
            ReadyTime = record.ReadyTime?.ToTimestamp(),
            LastVerifiedTime = record.LastVerifiedTime?.ToTimestamp(),
            Details = view.Details,
        };
        message.Disks.AddRange(record.Disks.Select(ToMessage));
        return message;
    }

    private static ReplicaDisk ToMessage(ReplicaDiskRecord disk) =>
        new()
        {
            Slot =
                disk.Slot == "os"
                    ? new DiskSlot { OsDisk = true }
                    : new DiskSlot
                    {
                        DataDiskLun = int.Parse(disk.Slot.AsSpan("lun".Length), System.Globalization.CultureInfo.InvariantCulture),
                    },
            Content = new ContentDescriptor
            {
                Digest = disk.Digest,
                VirtualSizeBytes = disk.VirtualSize,
                OccupiedSizeBytes = disk.OccupiedSize,
            },
        };

    /// <summary>What ended a pull, as its watchers see it: a store that fails is this node's trouble, and may pass.</summary>
    private static async Task AnswerFailureAsync(Task completion, string id)
    {
        try
        {
            await completion;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RegionException(ErrorReason.RegionUnavailable, $"The store of replica {id} fails: {exception.Message}", exception);
        }
    }

    private async Task WriteAsync(IServerStreamWriter<PullReplicaResponse> stream, Replica replica, ServerCallContext context)
    {
        if (registry.ViewOf(replica) is { } view)
        {
            await stream.WriteAsync(new PullReplicaResponse { Replica = ToMessage(view) }, context.CancellationToken);
        }
    }
}
