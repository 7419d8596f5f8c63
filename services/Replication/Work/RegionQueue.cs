using System.Diagnostics;

namespace Gallery.Replication.Work;

/// <summary>
/// What one process takes from a lane of a region next. It looks at the queues now and then and hands out what it saw in the fair order;
/// what it remembers only spares it looks, for a claim alone decides who works. Not for several threads at once, but for <see cref="Done"/>.
/// </summary>
internal sealed class RegionQueue(WorkQueue queue, Lane lane, string region, int workers, TimeSpan rankHandicap, TimeSpan pause)
{
    // So long what was seen is good enough, while there is some of it left.
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(100);

    // Workers of several processes see the same entries; with a few more to choose from, each finds one that is left.
    private const int Lookahead = 4;
    private const int MostSubscriptions = 10_000;

    private readonly Dictionary<string, long> _served = [];
    private readonly Dictionary<string, long> _taken = [];
    private readonly Lock _gate = new();
    private LinkedList<Candidate> _seen = new();
    private long _lookedAt = long.MinValue;
    private long _turns;

    /// <summary>The next piece of work, which is not handed out again before it is <see cref="Done"/>; null when none is due.</summary>
    /// <param name="onlySmall">Leave copies of large contents.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    public async Task<Candidate?> NextAsync(bool onlySmall, CancellationToken cancellationToken)
    {
        if (_lookedAt != long.MinValue && Stopwatch.GetElapsedTime(_lookedAt) < Fresh && Take(onlySmall) is { } seen)
        {
            return seen;
        }

        var due = await queue.DueAsync(lane, region, workers * Lookahead, cancellationToken);
        _lookedAt = Stopwatch.GetTimestamp();
        Forget();
        _seen = new LinkedList<Candidate>(FairOrder.Of(due, subscription => _served.GetValueOrDefault(subscription), rankHandicap));
        return Take(onlySmall);
    }

    /// <summary>The work has come to an end, or was not to be had.</summary>
    /// <param name="candidate">The work.</param>
    /// <param name="claimed">Whether it was to be had. If not, it is left to others for a moment.</param>
    public void Done(Candidate candidate, bool claimed)
    {
        lock (_gate)
        {
            if (claimed)
            {
                _taken.Remove(candidate.Member);
            }
            else
            {
                _taken[candidate.Member] = Stopwatch.GetTimestamp();
            }
        }
    }

    private Candidate? Take(bool onlySmall)
    {
        lock (_gate)
        {
            for (var node = _seen.First; node is not null; node = node.Next)
            {
                var candidate = node.Value;
                if (onlySmall && !Schedule.IsSmall(candidate.Rank))
                {
                    continue;
                }

                _seen.Remove(node);
                if (IsTaken(candidate.Member))
                {
                    return Take(onlySmall);
                }

                _taken[candidate.Member] = long.MaxValue;
                _served[candidate.Subscription] = ++_turns;
                return candidate;
            }

            return null;
        }
    }

    /// <summary>Keeps what is remembered small; to forget a turn costs a subscription's neighbours one.</summary>
    private void Forget()
    {
        if (_served.Count > MostSubscriptions)
        {
            _served.Clear();
        }

        lock (_gate)
        {
            foreach (var (member, left) in _taken)
            {
                if (left != long.MaxValue && Stopwatch.GetElapsedTime(left) >= pause)
                {
                    _taken.Remove(member);
                }
            }
        }
    }

    private bool IsTaken(string member) =>
        _taken.TryGetValue(member, out var left) && (left == long.MaxValue || Stopwatch.GetElapsedTime(left) < pause);
}
