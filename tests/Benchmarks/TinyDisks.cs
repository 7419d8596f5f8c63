using System.Security.Cryptography;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Gallery.Benchmarks;

/// <summary>Uploads disks of a few blocks, each another one.</summary>
internal sealed class TinyDisks(SnapshotService.SnapshotServiceClient snapshots, string group)
{
    private const int BlockSize = 65_536;
    private const int Blocks = 2;

    /// <summary>A committed snapshot of a new disk.</summary>
    public async Task<string> CreateAsync(string id, string region)
    {
        var disk = new byte[16 * BlockSize];
        RandomNumberGenerator.Fill(disk.AsSpan(0, Blocks * BlockSize));
        var created = await snapshots.CreateSnapshotAsync(
            new CreateSnapshotRequest
            {
                Parent = group,
                SnapshotId = id,
                Region = region,
                FileSizeBytes = disk.Length,
            }
        );
        await UploadAsync(created.Grant, disk);
        return (await snapshots.CommitSnapshotAsync(new CommitSnapshotRequest { Name = created.Snapshot.Name })).Snapshot.Name;
    }

    private static async Task UploadAsync(UploadGrant grant, byte[] disk)
    {
        using var channel = GrpcChannel.ForAddress(grant.GrpcUrl);
        var client = new UploadService.UploadServiceClient(channel);
        var headers = new Metadata { { "authorization", $"Bearer {grant.Token}" } };
        await client.StartUploadAsync(new StartUploadRequest { UploadId = grant.UploadId, FileSizeBytes = disk.Length }, headers);
        var declare = new DeclareBlocksRequest { UploadId = grant.UploadId };
        var write = new WriteBlocksRequest { UploadId = grant.UploadId };
        for (var index = 0; index < Blocks; index++)
        {
            var block = disk.AsSpan(index * BlockSize, BlockSize);
            declare.Blocks.Add(new DeclaredBlock { Index = index, Digest = ByteString.CopyFrom(SHA256.HashData(block)) });
            write.Blocks.Add(new UploadedBlock { Index = index, Data = ByteString.CopyFrom(block) });
        }

        await client.DeclareBlocksAsync(declare, headers);
        using var call = client.WriteBlocks(headers);
        await call.RequestStream.WriteAsync(write);
        await call.RequestStream.CompleteAsync();
        await call;
    }
}
