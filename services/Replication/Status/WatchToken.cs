using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gallery.Replication.Records;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;

namespace Gallery.Replication.Status;

/// <summary>
/// What a watcher of replicas knows, so that it can go on later, with any process, and is told what changed meanwhile and nothing twice.
/// Everything is in the token itself: nobody has to remember watchers.
/// </summary>
internal static class WatchToken
{
    private const int LongestToken = 64 * 1024;

    /// <summary>Names what is watched; a token is good for that only.</summary>
    public static ulong StreamOf(string versionKey, IEnumerable<string> regions) =>
        Digest(Encoding.UTF8.GetBytes($"{versionKey}|{string.Join(',', regions.Order(StringComparer.Ordinal))}"));

    /// <summary>Stands for a message.</summary>
    public static ulong Digest(IMessage message) => Digest(message.ToByteArray());

    /// <summary>Writes a token.</summary>
    /// <param name="stream">What is watched.</param>
    /// <param name="versionUid">The version's incarnation, which most uids begin with.</param>
    /// <param name="seen">Digests of what was told, by replica uid.</param>
    public static string Write(ulong stream, string versionUid, IReadOnlyDictionary<string, ulong> seen)
    {
        var prefix = versionUid + ".";
        var record = new WatchTokenRecord { Stream = stream, VersionUid = versionUid };
        record.Seen.AddRange(
            seen.Select(entry => new SeenReplicaRecord
            {
                Uid = entry.Key.StartsWith(prefix, StringComparison.Ordinal) ? entry.Key[prefix.Length..] : "." + entry.Key,
                Digest = entry.Value,
            })
        );
        return Base64Url.EncodeToString(record.ToByteArray());
    }

    /// <summary>Reads a token, and refuses with INVALID_ARGUMENT one that is not of this stream. An empty one knows nothing.</summary>
    public static Dictionary<string, ulong> Read(string token, ulong stream)
    {
        var seen = new Dictionary<string, ulong>(StringComparer.Ordinal);
        if (token.Length == 0)
        {
            return seen;
        }

        if (TryParse(token) is not { } record || record.Stream != stream)
        {
            throw GalleryError.InvalidParameter(
                "resume_token",
                "Must be the resume_token of a response to the same request; leave it empty to begin anew."
            );
        }

        foreach (var replica in record.Seen)
        {
            // A full uid has a dot before it: a short one begins with its region.
            seen[replica.Uid.StartsWith('.') ? replica.Uid[1..] : $"{record.VersionUid}.{replica.Uid}"] = replica.Digest;
        }

        return seen;
    }

    private static WatchTokenRecord? TryParse(string token)
    {
        if (token.Length > LongestToken || !Base64Url.IsValid(token))
        {
            return null;
        }

        try
        {
            return WatchTokenRecord.Parser.ParseFrom(Base64Url.DecodeFromChars(token));
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static ulong Digest(byte[] bytes) => BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(bytes));
}
