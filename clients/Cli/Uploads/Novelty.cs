namespace Gallery.Cli.Uploads;

/// <summary>
/// Whether it is worth asking the node which blocks it lacks. Where the answers say that it lacks nearly all, as of a disk that is new to it, asking
/// costs a digest of every block that saves nothing: then some batches are sent without asking, more of them with each such answer in a row. They
/// are asked about in between, so that a part that the node has is soon noticed.
/// </summary>
internal sealed class Novelty
{
    /// <summary>Share of lacking blocks from which on a batch counts as new.</summary>
    private const double MostlyNew = 0.9;

    /// <summary>Batches sent without asking after one answer, at most.</summary>
    private const int LongestRun = 16;

    private readonly Lock gate = new();
    private int run;
    private int left;
    private bool refused;

    /// <summary>True when the next batch may be sent without asking.</summary>
    public bool TryTakeAsNew()
    {
        lock (gate)
        {
            return !refused && left > 0 && left-- > 0;
        }
    }

    /// <summary>Notes an answer.</summary>
    /// <param name="declared">Blocks that were asked about, 1 or more.</param>
    /// <param name="missing">Those of them that the node lacks.</param>
    public void Learn(int declared, int missing)
    {
        lock (gate)
        {
            run = missing < declared * MostlyNew ? 0 : Math.Clamp(run * 2, 1, LongestRun);
            left = run == 0 ? 0 : left + run;
        }
    }

    /// <summary>Notes that the node did not take blocks that it was not asked about: it is asked about all from now on.</summary>
    public void Refuse()
    {
        lock (gate)
        {
            refused = true;
        }
    }
}
