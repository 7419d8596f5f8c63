using System.Buffers.Binary;
using Gallery.Region.Stores.Segments;

namespace Gallery.Region.Stores.Objects;

/// <summary>
/// The header pages of many packs in one object, `{prefix}index/{guid}`, so that opening a store takes one request for many packs instead of
/// one each. Only a copy: what no index object tells of is read from the packs themselves.
/// </summary>
internal sealed class PackIndexes(IObjectBucket bucket, string prefix)
{
    /// <summary>Packs that one index object tells of, unless set otherwise.</summary>
    public const int PacksPerIndex = 256;

    private const int ReadAtOnce = 8;

    /// <summary>The number that a pack's header page says it has.</summary>
    public static uint NumberOf(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadUInt32LittleEndian(page[16..]);

    /// <summary>Reads all index objects and hands out their pages. One that tells of no pack that is still there is removed.</summary>
    /// <param name="visit">Given a page, answers whether its pack is there. Called by one at a time.</param>
    public async Task ReadAsync(Func<ReadOnlyMemory<byte>, bool> visit)
    {
        var keys = new List<string>();
        await foreach (var entry in bucket.ListAsync(prefix + "index/", default))
        {
            keys.Add(entry.Key);
        }

        var gate = new Lock();
        await Parallel.ForEachAsync(
            keys,
            new ParallelOptions { MaxDegreeOfParallelism = ReadAtOnce },
            async (key, token) =>
            {
                var pages = await bucket.TryGetAsync(key, token) ?? [];
                var used = false;
                lock (gate)
                {
                    for (var at = 0; at + GroupHeader.Size <= pages.Length; at += GroupHeader.Size)
                    {
                        used |= visit(pages.AsMemory(at, GroupHeader.Size));
                    }
                }

                if (!used)
                {
                    await bucket.DeleteAsync(key, token);
                }
            }
        );
    }

    /// <summary>Writes one index object.</summary>
    public Task WriteAsync(IEnumerable<byte[]> pages, CancellationToken cancellationToken) =>
        bucket.PutAsync($"{prefix}index/{Guid.NewGuid():N}", pages.SelectMany(page => page).ToArray(), cancellationToken);
}
