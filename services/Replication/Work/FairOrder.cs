namespace Gallery.Replication.Work;

/// <summary>Work that is due.</summary>
/// <param name="Subscription">Whose it is.</param>
/// <param name="Rank">How urgent it is.</param>
/// <param name="Time">Since when it is due, in milliseconds since 1970.</param>
/// <param name="Member">Its entry in the queue.</param>
internal readonly record struct Candidate(string Subscription, Rank Rank, long Time, string Member);

/// <summary>
/// The order in which work is taken. Subscriptions take turns, so that one with thousands of replicas to make delays another's single one by
/// one piece of work, not by thousands. Within a subscription the higher rank comes first, but not for ever: each rank down counts as some
/// waiting time, and the longest wait wins. Pure.
/// </summary>
internal static class FairOrder
{
    /// <summary>Puts work in order.</summary>
    /// <param name="due">What is due, in any order.</param>
    /// <param name="lastServed">When a subscription's turn was last, by a number that grows; 0 for never.</param>
    /// <param name="rankHandicap">How much waiting time a rank counts for.</param>
    public static List<Candidate> Of(IEnumerable<Candidate> due, Func<string, long> lastServed, TimeSpan rankHandicap)
    {
        var handicap = (long)rankHandicap.TotalMilliseconds;
        var lines = due.GroupBy(candidate => candidate.Subscription)
            .OrderBy(line => lastServed(line.Key))
            .ThenBy(line => line.Min(candidate => candidate.Time))
            .ThenBy(line => line.Key, StringComparer.Ordinal)
            .Select(line =>
                line.OrderBy(candidate => candidate.Time + (handicap * (int)candidate.Rank))
                    .ThenBy(candidate => candidate.Member, StringComparer.Ordinal)
                    .ToArray()
            )
            .ToList();
        var ordered = new List<Candidate>();
        for (var turn = 0; ; turn++)
        {
            var before = ordered.Count;
            foreach (var line in lines)
            {
                if (turn < line.Length)
                {
                    ordered.Add(line[turn]);
                }
            }

            if (ordered.Count == before)
            {
                return ordered;
            }
        }
    }
}
