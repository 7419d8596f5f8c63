namespace Gallery.Cli.Endpoints;

/// <summary>Reads lists page by page.</summary>
internal static class Pages
{
    /// <summary>Items asked for at once: an answer of so many stays well below the largest message.</summary>
    public const int Size = 500;

    /// <summary>All items of a list.</summary>
    /// <param name="read">Reads the page of a token; answers its items and the next page's token, empty on the last page.</param>
    /// <param name="limit">Stops after so many.</param>
    public static async Task<List<T>> ReadAllAsync<T>(
        Func<string, Task<(IEnumerable<T> Items, string NextPageToken)>> read,
        int limit = int.MaxValue
    )
    {
        var all = new List<T>();
        var token = "";
        do
        {
            (var items, token) = await read(token);
            all.AddRange(items);
        } while (token.Length > 0 && all.Count < limit);

        return all.Count > limit ? all[..limit] : all;
    }
}
