using System.Collections.Concurrent;
using System.Security.Cryptography;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Cli.Tests.Harness;

/// <summary>A node's side of the upload contract, in memory: what it was told and sent, and what it refuses.</summary>
internal sealed class FakeUploads : UploadService.UploadServiceBase
{
    public const int BlockSize = 65_536;

    private readonly ConcurrentDictionary<long, ByteString> declared = new();
    private readonly ConcurrentDictionary<ByteString, byte[]> blocks = new();
    private long received;

    /// <summary>Only calls with this grant are taken.</summary>
    public string Token { get; set; } = "";

    public long FileSize { get; private set; }

    public DiskFormat Format { get; private set; }

    /// <summary>Bytes of blocks that were sent.</summary>
    public long Received => Interlocked.Read(ref received);

    public int LargestDeclaration { get; private set; }

    public int LargestMessage { get; private set; }

    /// <summary>Called with the bytes received so far, before a message's blocks are taken.</summary>
    public Func<long, Task> BeforeBlocks { get; set; } = _ => Task.CompletedTask;

    /// <summary>The file as it can be put together from what was declared and sent.</summary>
    public byte[] Assemble()
    {
        var file = new byte[FileSize];
        foreach (var (index, digest) in declared)
        {
            blocks[digest].CopyTo(file.AsSpan((int)(index * BlockSize)));
        }

        return file;
    }

    public long OccupiedBytes => declared.Values.Sum(digest => (long)blocks[digest].Length);

    /// <summary>Forgets blocks, as a crash does to what was not answered yet.</summary>
    public void Lose(int count)
    {
        foreach (var digest in blocks.Keys.Take(count).ToList())
        {
            blocks.TryRemove(digest, out _);
        }
    }

    public bool IsComplete => declared.Values.All(blocks.ContainsKey);

    public void Forget()
    {
        declared.Clear();
        Interlocked.Exchange(ref received, 0);
    }

    public override Task<StartUploadResponse> StartUpload(StartUploadRequest request, ServerCallContext context)
    {
        Check(context);
        (FileSize, Format) = (request.FileSizeBytes, request.Format);
        return Task.FromResult(
            new StartUploadResponse
            {
                Upload = new Upload { UploadId = request.UploadId, FileSizeBytes = request.FileSizeBytes },
                BlockSizeBytes = BlockSize,
                MaxDeclaredBlocksPerCall = 16_384,
            }
        );
    }

    public override Task<DeclareBlocksResponse> DeclareBlocks(DeclareBlocksRequest request, ServerCallContext context)
    {
        Check(context);
        LargestDeclaration = Math.Max(LargestDeclaration, request.Blocks.Count);
        var answer = new DeclareBlocksResponse();
        var named = new HashSet<ByteString>();
        foreach (var block in request.Blocks)
        {
            declared[block.Index] = block.Digest;
            if (!blocks.ContainsKey(block.Digest) && named.Add(block.Digest))
            {
                answer.MissingIndexes.Add(block.Index);
            }
        }

        return Task.FromResult(answer);
    }

    public override async Task<WriteBlocksResponse> WriteBlocks(
        IAsyncStreamReader<WriteBlocksRequest> requestStream,
        ServerCallContext context
    )
    {
        Check(context);
        var answer = new WriteBlocksResponse();
        await foreach (var message in requestStream.ReadAllAsync())
        {
            LargestMessage = Math.Max(LargestMessage, message.CalculateSize());
            await BeforeBlocks(Received);
            foreach (var block in message.Blocks)
            {
                var digest = ByteString.CopyFrom(SHA256.HashData(block.Data.Span));
                if (!declared.TryGetValue(block.Index, out var expected) || expected != digest)
                {
                    throw GalleryError.Create(
                        StatusCode.InvalidArgument,
                        ErrorReason.DigestMismatch,
                        $"Block {block.Index} does not have its digest."
                    );
                }

                blocks[digest] = block.Data.ToByteArray();
                Interlocked.Add(ref received, block.Data.Length);
                answer.WrittenBlockCount++;
                answer.WrittenBytes += block.Data.Length;
            }
        }

        return answer;
    }

    private void Check(ServerCallContext context)
    {
        if (context.RequestHeaders.GetValue("authorization") != $"Bearer {Token}")
        {
            throw GalleryError.Create(StatusCode.PermissionDenied, ErrorReason.GrantNotValid, "The grant has expired.");
        }
    }
}

/// <summary>A node's side of reading a disk: pieces of data, and holes where 64 KiB blocks are zero.</summary>
internal sealed class FakeContent : ContentService.ContentServiceBase
{
    public string Token { get; set; } = "";

    public byte[] Disk { get; set; } = [];

    public ConcurrentQueue<ReadDiskRequest> Requests { get; } = new();

    public Func<ReadDiskRequest, Task> BeforePiece { get; set; } = _ => Task.CompletedTask;

    /// <summary>Changes a piece on its way out.</summary>
    public Func<ReadDiskResponse, ReadDiskResponse> Distort { get; set; } = piece => piece;

    /// <summary>The disk as a file of other formats.</summary>
    public Dictionary<DiskFormat, byte[]> Files { get; } = [];

    public override Task<GetDiskResponse> GetDisk(GetDiskRequest request, ServerCallContext context) =>
        Task.FromResult(new GetDiskResponse { Format = request.Format, FileSizeBytes = FileOf(request.Format).Length });

    private byte[] FileOf(DiskFormat format) => format is DiskFormat.Raw or DiskFormat.Unspecified ? Disk : Files[format];

    public override async Task ReadDisk(
        ReadDiskRequest request,
        IServerStreamWriter<ReadDiskResponse> responseStream,
        ServerCallContext context
    )
    {
        Requests.Enqueue(request.Clone());
        if (context.RequestHeaders.GetValue("authorization") != $"Bearer {Token}")
        {
            throw GalleryError.Create(StatusCode.PermissionDenied, ErrorReason.GrantNotValid, "The lease has ended.");
        }

        var file = FileOf(request.Format);
        var end = request.Length == 0 ? file.Length : Math.Min(file.Length, request.Offset + request.Length);
        for (var offset = request.Offset; offset < end; )
        {
            await BeforePiece(request);
            var length = Math.Min(FakeUploads.BlockSize - (offset % FakeUploads.BlockSize), end - offset);
            var data = file.AsMemory((int)offset, (int)length);
            var piece = data.Span.ContainsAnyExcept((byte)0)
                ? new ReadDiskResponse { Offset = offset, Data = ByteString.CopyFrom(data.Span) }
                : new ReadDiskResponse { Offset = offset, ZeroLength = length };
            await responseStream.WriteAsync(Distort(piece));
            offset += length;
        }
    }
}
