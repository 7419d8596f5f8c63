using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Gallery.ServiceDefaults.Errors;

namespace Gallery.ServiceDefaults.Paging;

/// <summary>Which page of a list is asked for.</summary>
public sealed record PageRequest
{
    /// <summary>How many entries a page has when the caller does not say.</summary>
    public const int DefaultSize = 50;

    /// <summary>The most entries a page has; who asks for more gets as many.</summary>
    public const int LargestSize = 1000;

    private const byte Format = 1;
    private const int LongestToken = 4096;
    private const int HeaderLength = 1 + sizeof(ulong);

    private readonly ulong _listing;

    private PageRequest(int size, string after, ulong listing)
    {
        Size = size;
        After = after;
        _listing = listing;
    }

    /// <summary>How many entries the page has at the most: 1 to 1,000.</summary>
    public int Size { get; }

    /// <summary>The entry that the page before ended with; empty for the first page.</summary>
    public string After { get; }

    /// <summary>
    /// Reads the paging fields of a request, and refuses with INVALID_ARGUMENT a negative size or a token that is not of this list.
    /// </summary>
    /// <param name="pageSize">0 means 50, more than 1,000 means 1,000.</param>
    /// <param name="pageToken">From the page before; empty for the first page.</param>
    /// <param name="listing">Names the list: the parent and whatever filters it. A token is good for its own list only.</param>
    public static PageRequest From(int pageSize, string pageToken, string listing)
    {
        ArgumentNullException.ThrowIfNull(pageToken);
        ArgumentNullException.ThrowIfNull(listing);
        if (pageSize < 0)
        {
            throw GalleryError.InvalidParameter(
                "page_size",
                $"Must not be negative: 0 means {DefaultSize}, at the most {LargestSize} are given."
            );
        }

        var hash = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(listing)));
        var size = pageSize == 0 ? DefaultSize : Math.Min(pageSize, LargestSize);
        return new PageRequest(size, pageToken.Length == 0 ? "" : Decode(pageToken, hash), hash);
    }

    /// <summary>The token of the page that follows.</summary>
    /// <param name="lastMember">The entry that this page ends with.</param>
    public string TokenAfter(string lastMember)
    {
        var bytes = new byte[HeaderLength + Encoding.UTF8.GetByteCount(lastMember)];
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(1), _listing);
        Encoding.UTF8.GetBytes(lastMember, bytes.AsSpan(HeaderLength));
        return Base64Url.EncodeToString(bytes);
    }

    private static string Decode(string token, ulong listing)
    {
        if (token.Length <= LongestToken && Base64Url.IsValid(token))
        {
            var bytes = Base64Url.DecodeFromChars(token);
            if (bytes.Length > HeaderLength && bytes[0] == Format && BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(1)) == listing)
            {
                try
                {
                    return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.AsSpan(HeaderLength));
                }
                catch (DecoderFallbackException)
                {
                    // Not made by us: refused below.
                }
            }
        }

        throw GalleryError.InvalidParameter(
            "page_token",
            "Must be the next_page_token of the page before, sent with the same parent and filter; leave it empty for the first page."
        );
    }
}
