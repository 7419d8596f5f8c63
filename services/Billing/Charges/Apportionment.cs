using System.Numerics;

namespace Gallery.Billing.Charges;

/// <summary>
/// Rounds exact amounts to millionths so that they still add up. The sum is rounded once, half up; each amount is rounded down; the
/// millionths left over go one each to the amounts with the largest remainders, the earlier ones first. Amounts of nothing get nothing.
/// </summary>
internal static class Apportionment
{
    /// <summary>The amounts in millionths, in the order given, and their total.</summary>
    /// <param name="numerators">The exact amounts, not negative, over a common denominator.</param>
    /// <param name="denominator">The denominator.</param>
    public static (long[] Micros, long Total) ToMicros(IReadOnlyList<BigInteger> numerators, BigInteger denominator)
    {
        var micros = new long[numerators.Count];
        var remainders = new BigInteger[numerators.Count];
        var sum = BigInteger.Zero;
        var roundedDown = 0L;
        for (var index = 0; index < numerators.Count; index++)
        {
            var scaled = numerators[index] * Units.MicrosPerUnit;
            sum += scaled;
            micros[index] = (long)BigInteger.DivRem(scaled, denominator, out remainders[index]);
            roundedDown += micros[index];
        }

        var total = (long)Units.RoundedDivision(sum, denominator);
        var byRemainder = Enumerable.Range(0, micros.Length).OrderByDescending(index => remainders[index]).ThenBy(index => index);
        foreach (var index in byRemainder.Take((int)(total - roundedDown)))
        {
            micros[index]++;
        }

        return (micros, total);
    }
}
