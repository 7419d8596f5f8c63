using System.Text.Json.Serialization;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Uploads;

/// <summary>What the node keeps of an upload.</summary>
internal sealed record UploadRecord
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long FileSize { get; init; }

    /// <summary>The format that was named.</summary>
    public required DiskFormat Format { get; init; }

    /// <summary>When it was opened.</summary>
    public required DateTimeOffset CreateTime { get; init; }

    /// <summary>When it is dropped unless it was committed.</summary>
    public required DateTimeOffset ExpireTime { get; init; }

    /// <summary>Bytes that were sent for it.</summary>
    public long ReceivedBytes { get; init; }

    /// <summary>The content made from it, once committed.</summary>
    public UploadedContent? Content { get; init; }
}

/// <summary>A content made from an upload.</summary>
/// <param name="Digest">Its name.</param>
/// <param name="VirtualSize">Bytes of the disk.</param>
/// <param name="OccupiedSize">Bytes of its blocks.</param>
/// <param name="Format">The format the file was read in.</param>
/// <param name="DeclaredBlocks">Blocks of the file that were declared.</param>
internal sealed record UploadedContent(string Digest, long VirtualSize, long OccupiedSize, DiskFormat Format, long DeclaredBlocks)
{
    /// <summary>Its name as a value.</summary>
    [JsonIgnore]
    public BlockDigest Content { get; } = BlockDigest.Parse(Digest);
}

/// <summary>The encoding of upload records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(UploadRecord))]
internal sealed partial class UploadJson : JsonSerializerContext;
