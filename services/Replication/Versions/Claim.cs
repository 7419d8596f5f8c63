using System.Globalization;

namespace Gallery.Replication.Versions;

/// <summary>
/// Who works on a replica: the fencing token counts the holders, and the last one holds it until its lease ends or it gives it back.
/// </summary>
/// <param name="Token">Grows with each holder, over the replica's life; 0 before the first.</param>
/// <param name="LeaseUntil">Milliseconds since 1970; 0 when nobody holds it.</param>
internal readonly record struct Claim(long Token, long LeaseUntil)
{
    /// <summary>Nobody holds it, or the lease has ended.</summary>
    public bool IsFree(DateTimeOffset now) => LeaseUntil <= now.ToUnixTimeMilliseconds();

    /// <summary>The next holder's claim.</summary>
    public Claim Next(DateTimeOffset leaseUntil) => new(Token + 1, leaseUntil.ToUnixTimeMilliseconds());

    /// <summary>Given back by its holder.</summary>
    public Claim Released() => this with { LeaseUntil = 0 };

    /// <summary>Taken away from its holder, whose token is out of date from now on.</summary>
    public Claim Revoked() => new(Token + 1, 0);

    /// <summary>As stored: <c>token:lease</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Token}:{LeaseUntil}");

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static Claim Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return new Claim(
            long.Parse(text.AsSpan(0, colon), CultureInfo.InvariantCulture),
            long.Parse(text.AsSpan(colon + 1), CultureInfo.InvariantCulture)
        );
    }
}
