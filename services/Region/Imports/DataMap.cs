using Gallery.Region.Formats;

namespace Gallery.Region.Imports;

/// <summary>Where the data of a file lies, as runs in ascending order that do not touch each other.</summary>
internal sealed class DataMap
{
    private readonly List<FileRun> _runs = [];

    /// <summary>Number of runs.</summary>
    public int Count => _runs.Count;

    /// <summary>Adds a run that begins behind the ones before it, or touches the last one.</summary>
    public void Add(long offset, long length)
    {
        if (length <= 0)
        {
            return;
        }

        if (_runs is [.., var last] && offset <= last.End)
        {
            _runs[^1] = new FileRun(last.Offset, Math.Max(last.Length, offset + length - last.Offset));
        }
        else
        {
            _runs.Add(new FileRun(offset, length));
        }
    }

    /// <summary>The rest of the run at an offset, or the first one behind it; length 0 when there is none. Cut at the end of the file.</summary>
    public FileRun Next(long offset, long fileLength)
    {
        var (low, high) = (0, _runs.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_runs[middle].End <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        if (low == _runs.Count || _runs[low].Offset >= fileLength)
        {
            return new FileRun(fileLength, 0);
        }

        var start = Math.Max(offset, _runs[low].Offset);
        return new FileRun(start, Math.Min(_runs[low].End, fileLength) - start);
    }
}
