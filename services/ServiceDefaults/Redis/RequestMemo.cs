using System.Security.Cryptography;
using System.Text;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>
/// Remembers the answer to a request by its request id, so that a repeated request gets the first answer and changes nothing.
/// </summary>
public sealed class RequestMemo
{
    /// <summary>The longest request id that is accepted.</summary>
    public const int LongestRequestId = 64;

    private RequestMemo(string requestId, RedisKey key, byte[] hash)
    {
        RequestId = requestId;
        Key = key;
        Hash = hash;
    }

    /// <summary>The request id.</summary>
    public string RequestId { get; }

    /// <summary>
    /// Where the answer is kept: a hash with the request's hash (<c>h</c>) and the answer (<c>a</c>). For scripts beside mutations.
    /// </summary>
    public RedisKey Key { get; }

    /// <summary>SHA-256 of the rpc and the request.</summary>
    public byte[] Hash { get; }

    /// <summary>
    /// The memo of a request; null when it carries no request id. Refuses with INVALID_ARGUMENT an id that is too long or not printable.
    /// </summary>
    /// <param name="partition">Where the mutation happens.</param>
    /// <param name="subscriptionId">Whose request it is.</param>
    /// <param name="requestId">The request's <c>request_id</c>.</param>
    /// <param name="method">The rpc: an id used for two rpcs is reused.</param>
    /// <param name="request">The request.</param>
    public static RequestMemo? For(Partition partition, string subscriptionId, string requestId, string method, IMessage request)
    {
        ArgumentNullException.ThrowIfNull(requestId);
        ArgumentNullException.ThrowIfNull(request);
        if (requestId.Length == 0)
        {
            return null;
        }

        if (requestId.Length > LongestRequestId || requestId.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw GalleryError.InvalidParameter(
                "request_id",
                $"Must be a UUID or 1 to {LongestRequestId} printable ASCII characters without spaces; empty means none."
            );
        }

        return new RequestMemo(requestId, partition.Key("req", subscriptionId, requestId), HashOf(method, request));
    }

    private static byte[] HashOf(string method, IMessage request)
    {
        using var buffer = new MemoryStream();
        buffer.Write(Encoding.UTF8.GetBytes(method));
        buffer.WriteByte(0);
        // A client may write the entries of a map in another order when it repeats a request.
        using (var output = new CodedOutputStream(buffer, leaveOpen: true) { Deterministic = true })
        {
            request.WriteTo(output);
        }

        return SHA256.HashData(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }
}
