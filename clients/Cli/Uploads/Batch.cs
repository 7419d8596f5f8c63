namespace Gallery.Cli.Uploads;

/// <summary>Stretches of a file that are dealt with together.</summary>
/// <param name="Extents">The stretches, each beginning at a block.</param>
internal sealed record Batch(IReadOnlyList<Extent> Extents)
{
    /// <summary>Bytes of all of them.</summary>
    public long Length => Extents.Sum(extent => extent.Length);

    /// <summary>Cuts stretches into batches of at most so many blocks: long stretches are divided, short ones put together.</summary>
    public static IEnumerable<Batch> Cut(IEnumerable<Extent> extents, int blocks)
    {
        var size = (long)blocks * TransferOptions.BlockSize;
        var open = new List<Extent>();
        var room = size;
        foreach (var extent in extents)
        {
            var rest = extent;
            while (rest.Length > 0)
            {
                var part = new Extent(rest.Offset, Math.Min(rest.Length, room));
                open.Add(part);
                room -= (part.Length + TransferOptions.BlockSize - 1) / TransferOptions.BlockSize * TransferOptions.BlockSize;
                rest = new Extent(part.End, rest.End - part.End);
                if (room == 0)
                {
                    yield return new Batch(open);
                    open = [];
                    room = size;
                }
            }
        }

        if (open.Count > 0)
        {
            yield return new Batch(open);
        }
    }
}
