using System.Text.Json.Serialization;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Imports;

/// <summary>What the node keeps of an import. The secrets of its address are not among it.</summary>
internal sealed record ImportRecord
{
    /// <summary>Bytes that are fetched and counted together.</summary>
    public const int ChunkBytes = 4 * 1024 * 1024;

    /// <summary>The upload that it fills.</summary>
    public required string Id { get; init; }

    /// <summary>The address without its query.</summary>
    public required string Address { get; init; }

    /// <summary>The format that was named.</summary>
    public required DiskFormat Format { get; init; }

    /// <summary>The version of the source; empty until it was opened.</summary>
    public string Version { get; init; } = "";

    /// <summary>Bytes of the file; 0 until it was opened.</summary>
    public long FileSize { get; init; }

    /// <summary>One bit a chunk of 4 MiB that is in place.</summary>
    public byte[] Done { get; init; } = [];

    /// <summary>Bytes that were fetched, over all attempts.</summary>
    public long FetchedBytes { get; init; }

    /// <summary>True when all is in place.</summary>
    public bool HasArrived { get; init; }

    /// <summary>Why it can't be done; unspecified as long as it can.</summary>
    public ErrorReason Failure { get; init; }

    /// <summary>Why it can't be done, or why no work is running.</summary>
    public string Details { get; init; } = "";

    /// <summary>True when a chunk is in place.</summary>
    public bool IsDone(long chunk) => chunk / 8 < Done.Length && (Done[chunk / 8] & (1 << (int)(chunk % 8))) != 0;
}

/// <summary>The encoding of import records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ImportRecord))]
internal sealed partial class ImportJson : JsonSerializerContext;
