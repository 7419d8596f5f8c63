using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using StackExchange.Redis;

namespace Gallery.Catalog.Resources;

/// <summary>Reads indexes: sorted sets whose members all have the score 0, in the order of their bytes.</summary>
internal static class IndexReads
{
    private const int MostChildrenNamed = 10;

    // A page stays below what clients accept as one message (4 MiB by default), however large its resources are.
    private const int MostPageBytes = 3 << 20;

    extension(RedisStore store)
    {
        /// <summary>Reads a page of records by their index.</summary>
        /// <typeparam name="T">The records' message.</typeparam>
        /// <param name="index">The sorted set.</param>
        /// <param name="page">Which page.</param>
        /// <param name="keyOf">The key of the record that a member stands for.</param>
        /// <param name="parser">The message's parser.</param>
        /// <param name="cancellationToken">Ends the wait.</param>
        /// <param name="prefix">What members must begin with; empty admits all.</param>
        /// <param name="descending">Whether the order is reversed.</param>
        /// <returns>The records, and the token of the next page; empty on the last one.</returns>
        public async Task<(IEnumerable<T> Records, string NextPageToken)> ReadPageAsync<T>(
            RedisKey index,
            PageRequest page,
            Func<string, RedisKey> keyOf,
            MessageParser<T> parser,
            CancellationToken cancellationToken,
            string prefix = "",
            bool descending = false
        )
            where T : class, IMessage<T>
        {
            // One more than the page holds tells whether there is a further page.
            var members = await store.ReadMembersAsync(index, prefix, page.After, page.Size + 1, descending, cancellationToken);
            var shown = members.Take(page.Size).ToArray();
            var records = await store.ReadManyAsync([.. shown.Select(keyOf)], parser, cancellationToken);
            var fitting = Fitting(records);
            var next = fitting < members.Count ? page.TokenAfter(shown[fitting - 1]) : "";

            // A record that went away between the two reads is left out.
            return (records.Take(fitting).OfType<Stored<T>>().Select(record => record.Value), next);
        }

        /// <summary>Some members of an index, to be named in a refusal.</summary>
        public Task<IReadOnlyList<string>> ReadSomeMembersAsync(RedisKey index, CancellationToken cancellationToken) =>
            store.ReadMembersAsync(index, "", "", MostChildrenNamed, descending: false, cancellationToken);

        private async Task<IReadOnlyList<string>> ReadMembersAsync(
            RedisKey index,
            string prefix,
            string after,
            int count,
            bool descending,
            CancellationToken cancellationToken
        )
        {
            // "\x7f" sorts behind every character of a name.
            RedisValue low = prefix.Length == 0 ? default : (RedisValue)prefix;
            RedisValue high = prefix.Length == 0 ? default : (RedisValue)(prefix + '\x7f');
            var exclude = Exclude.None;
            if (after.Length > 0)
            {
                (low, high, exclude) = descending ? (low, (RedisValue)after, Exclude.Stop) : ((RedisValue)after, high, Exclude.Start);
            }

            var found = await store
                .Database.SortedSetRangeByValueAsync(index, low, high, exclude, descending ? Order.Descending : Order.Ascending, 0, count)
                .WaitAsync(cancellationToken);
            return [.. found.Select(member => member.ToString())];
        }
    }

    private static int Fitting<T>(IReadOnlyList<Stored<T>?> records)
        where T : class, IMessage<T>
    {
        long bytes = 0;
        for (var index = 0; index < records.Count; index++)
        {
            bytes += records[index]?.Value.CalculateSize() ?? 0;
            if (bytes > MostPageBytes && index > 0)
            {
                return index;
            }
        }

        return records.Count;
    }
}
