using Gallery.Contracts.Catalog.V1;
using StackExchange.Redis;

namespace Gallery.Catalog.ImageVersions;

/// <summary>A version as it is kept, with what only Catalog itself needs.</summary>
/// <param name="Version">The version.</param>
/// <param name="Etag">Its etag.</param>
/// <param name="Operation">How the change that goes on began, in the activity log; null when none does.</param>
/// <param name="StatusPosition">Where in Replication's stream the last status stood that was taken over; empty: none was.</param>
/// <param name="StatusSequence">The highest number of a status that was taken over; 0: none had one.</param>
internal sealed record VersionRecord(
    ImageVersion Version,
    string Etag,
    ActivityLogEntry? Operation,
    string StatusPosition,
    long StatusSequence
)
{
    /// <summary>Field of the hash that holds <see cref="Operation"/>.</summary>
    public const string OperationField = "o";

    /// <summary>Field of the hash that holds <see cref="StatusPosition"/>.</summary>
    public const string PositionField = "s";

    /// <summary>Field of the hash that holds <see cref="StatusSequence"/>.</summary>
    public const string SequenceField = "n";

    /// <summary>The fields of the hash, in the order that <see cref="Parse"/> takes their values.</summary>
    public static readonly RedisValue[] Fields = ["p", "e", OperationField, PositionField, SequenceField];

    /// <summary>Makes a record of the hash's values; null when there is none.</summary>
    public static VersionRecord? Parse(RedisValue[] values) =>
        values[0].IsNull
            ? null
            : new VersionRecord(
                ImageVersion.Parser.ParseFrom((byte[])values[0]!),
                values[1].ToString(),
                values[2].IsNull ? null : ActivityLogEntry.Parser.ParseFrom((byte[])values[2]!),
                values[3].ToString(),
                (long)values[4]
            );
}
