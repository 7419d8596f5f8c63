using System.Globalization;
using System.Numerics;
using Gallery.Contracts.Common.V1;

namespace Gallery.Billing.Charges;

/// <summary>The units of bills, and how they become the contract's money and decimal numbers.</summary>
internal static class Units
{
    /// <summary>Bytes of a GB: a GiB, as disks are sold.</summary>
    public const long BytesPerGb = 1L << 30;

    /// <summary>Billionths: what prices are kept in.</summary>
    public const long NanosPerUnit = 1_000_000_000;

    /// <summary>Millionths: what amounts are rounded to.</summary>
    public const long MicrosPerUnit = 1_000_000;

    private const int QuantityDigits = 12;

    private static readonly BigInteger QuantityScale = BigInteger.Pow(10, QuantityDigits);

    /// <summary>An amount in millionths as money.</summary>
    public static Money ToMoney(long micros, string currency) =>
        new()
        {
            CurrencyCode = currency,
            Units = micros / MicrosPerUnit,
            Nanos = (int)(micros % MicrosPerUnit * (NanosPerUnit / MicrosPerUnit)),
        };

    /// <summary>A price in billionths as money.</summary>
    public static Money PriceToMoney(long nanos, string currency) =>
        new()
        {
            CurrencyCode = currency,
            Units = nanos / NanosPerUnit,
            Nanos = (int)(nanos % NanosPerUnit),
        };

    /// <summary>A price as people write it, in billionths. Refuses what is negative, absurdly high or finer than a billionth.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is no price.</exception>
    public static long ToNanos(decimal price)
    {
        const decimal Highest = 1_000_000m;
        ArgumentOutOfRangeException.ThrowIfNegative(price);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(price, Highest);
        var nanos = price * NanosPerUnit;
        return nanos == decimal.Truncate(nanos)
            ? (long)nanos
            : throw new ArgumentOutOfRangeException(nameof(price), price, "A price has at most nine digits after the point.");
    }

    /// <summary>A fraction as a decimal number with at most twelve digits after the point, rounded half away from zero.</summary>
    public static string ToQuantity(BigInteger numerator, BigInteger denominator)
    {
        var scaled = (decimal)RoundedDivision(numerator * QuantityScale, denominator);
        return (scaled / (decimal)QuantityScale).ToString("0.############", CultureInfo.InvariantCulture);
    }

    /// <summary>A division of numbers that are not negative, rounded half up.</summary>
    public static BigInteger RoundedDivision(BigInteger numerator, BigInteger denominator) =>
        ((2 * numerator) + denominator) / (2 * denominator);
}
