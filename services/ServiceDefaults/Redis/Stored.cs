using Google.Protobuf;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>A record as it is kept.</summary>
/// <typeparam name="T">Its protobuf message.</typeparam>
/// <param name="Value">The message.</param>
/// <param name="Etag">Changes with every write.</param>
public sealed record Stored<T>(T Value, string Etag)
    where T : class, IMessage<T>;

/// <summary>A page of a list.</summary>
/// <param name="Members">The members of the index on this page, in order.</param>
/// <param name="NextPageToken">For the page that follows; empty on the last one.</param>
public sealed record IndexPage(IReadOnlyList<string> Members, string NextPageToken);

/// <summary>Etags of records.</summary>
public static class Etag
{
    /// <summary>A new etag, unlike any other.</summary>
    public static string New() => Guid.NewGuid().ToString("N");
}
