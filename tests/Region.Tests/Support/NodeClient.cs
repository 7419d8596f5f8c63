using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Gallery.Region.Tests.Support;

/// <summary>Speaks to a node as the CLI, Replication and other nodes do.</summary>
/// <param name="channel">A channel without a token: grants are given call by call.</param>
/// <param name="replication">A channel whose calls carry Replication's token.</param>
/// <param name="region">The node's region.</param>
/// <param name="http">The node's HTTP address.</param>
/// <param name="grants">Signs the grants.</param>
internal sealed class NodeClient(GrpcChannel channel, GrpcChannel replication, string region, Uri http, TestGrants grants)
{
    public Uri Http => http;

    public UploadService.UploadServiceClient Uploads { get; } = new(channel);

    public UploadService.UploadServiceClient Commits { get; } = new(replication);

    public ImportService.ImportServiceClient Imports { get; } = new(replication);

    public ContentService.ContentServiceClient Contents { get; } = new(channel);

    public ReplicaService.ReplicaServiceClient Replicas { get; } = new(replication);

    public NodeService.NodeServiceClient Nodes { get; } = new(replication);

    public string Region => region;

    public static Metadata Bearer(string grant) => new() { { "authorization", $"Bearer {grant}" } };

    /// <summary>Uploads a file as a client does: opens, declares, sends what is lacking. Not committed.</summary>
    /// <returns>Positions of the blocks that were sent.</returns>
    public async Task<List<long>> SendAsync(string id, byte[] file, DiskFormat format = DiskFormat.Unspecified)
    {
        var headers = Bearer(grants.Upload(region, id));
        await Uploads.StartUploadAsync(
            new()
            {
                UploadId = id,
                FileSizeBytes = file.Length,
                Format = format,
            },
            headers
        );
        var lacking = await DeclareAsync(id, file);
        await WriteAsync(id, file, lacking);
        return lacking;
    }

    public async Task<List<long>> DeclareAsync(string id, byte[] file)
    {
        var request = new DeclareBlocksRequest { UploadId = id };
        request.Blocks.AddRange(
            TestDisk
                .Blocks(file)
                .Select(block => new DeclaredBlock
                {
                    Index = block.Index,
                    Digest = ByteString.CopyFrom(BlockDigest.Of(block.Bytes).ToArray()),
                })
        );
        var response = await Uploads.DeclareBlocksAsync(request, Bearer(grants.Upload(region, id)));
        return [.. response.MissingIndexes];
    }

    public async Task<WriteBlocksResponse> WriteAsync(string id, byte[] file, IEnumerable<long> indexes)
    {
        using var call = Uploads.WriteBlocks(Bearer(grants.Upload(region, id)));
        try
        {
            await call.RequestStream.WriteAsync(new WriteBlocksRequest { UploadId = id });
            foreach (var some in indexes.Chunk(16))
            {
                await call.RequestStream.WriteAsync(new WriteBlocksRequest { Blocks = { some.Select(index => Uploaded(file, index)) } });
            }

            await call.RequestStream.CompleteAsync();
        }
        catch (RpcException)
        {
            // The node ended the call before it was all sent: its answer says why.
        }

        return await call;
    }

    public static UploadedBlock Uploaded(byte[] file, long index) =>
        new()
        {
            Index = index,
            Data = ByteString.CopyFrom(file, (int)(index * BlockLayout.BlockSize), BlockLayout.LengthOf(index, file.Length)),
        };

    public async Task<ContentDescriptor> CommitAsync(string id) =>
        (await Commits.CommitUploadAsync(new() { UploadId = id })).Upload.Content;

    /// <summary>Uploads and commits.</summary>
    public async Task<ContentDescriptor> PublishAsync(string id, byte[] file, DiskFormat format = DiskFormat.Unspecified)
    {
        await SendAsync(id, file, format);
        return await CommitAsync(id);
    }

    /// <summary>Pulls a replica of one disk and gives back its last state.</summary>
    public async Task<NodeReplica> PullAsync(PullReplicaRequest request)
    {
        using var call = Replicas.PullReplica(request);
        NodeReplica? last = null;
        await foreach (var response in call.ResponseStream.ReadAllAsync())
        {
            last = response.Replica;
        }

        return last!;
    }

    /// <summary>The order of a replica with one disk.</summary>
    public static PullReplicaRequest Order(
        string id,
        ContentDescriptor content,
        PullSource source,
        StorageAccountType type = StorageAccountType.StandardLrs,
        int ordinal = 0,
        long token = 1
    )
    {
        var request = new PullReplicaRequest
        {
            ReplicaId = id,
            FencingToken = token,
            Store = new ReplicaStore { StorageAccountType = type, Ordinal = ordinal },
            Sources = { source },
        };
        request.Disks.Add(
            new ReplicaDisk
            {
                Slot = new DiskSlot { OsDisk = true },
                Content = content,
            }
        );
        return request;
    }

    public PullSource FromUpload(string id) => new() { Region = region, LocalUploadId = id };

    public PullSource FromReplica(string id) => new() { Region = region, LocalReplicaId = id };

    /// <summary>This node as a source for another.</summary>
    /// <param name="url">Its gRPC address.</param>
    /// <param name="content">What is to be taken from it.</param>
    /// <param name="grant">A grant of another kind than the right one.</param>
    /// <param name="bulkUrl">Where blocks are taken in bulk, its HTTP address by default; empty for nowhere.</param>
    public PullSource Remote(string url, ContentDescriptor content, string? grant = null, string? bulkUrl = null) =>
        new()
        {
            Region = region,
            Remote = new RemoteNode
            {
                GrpcUrl = url,
                HttpUrl = bulkUrl ?? http.AbsoluteUri,
                Grants = { grant ?? grants.Pull(region, content.Digest) },
            },
        };

    /// <summary>Reads a range of a replica's disk over gRPC.</summary>
    public async Task<byte[]> ReadAsync(
        string replica,
        long offset = 0,
        long length = 0,
        DiskSlot? slot = null,
        DiskFormat format = DiskFormat.Unspecified
    )
    {
        var request = new ReadDiskRequest
        {
            ReplicaId = replica,
            Offset = offset,
            Length = length,
            Slot = slot,
            Format = format,
        };
        using var call = Contents.ReadDisk(request, Bearer(grants.Read(region, replica)));
        var bytes = new MemoryStream();
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
        {
            Assert.Equal(offset + bytes.Length, piece.Offset);
            bytes.Write(piece.PieceCase == ReadDiskResponse.PieceOneofCase.Data ? piece.Data.ToByteArray() : new byte[piece.ZeroLength]);
        }

        return bytes.ToArray();
    }
}
