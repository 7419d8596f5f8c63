using System.Globalization;

namespace Gallery.Cli.Cost;

/// <summary>A size as it is typed: <c>10737418240</c>, <c>10GiB</c>, <c>1.5 TiB</c>. GB means GiB, as in prices.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, int Power)[] Units =
    [
        ("KIB", 1),
        ("MIB", 2),
        ("GIB", 3),
        ("TIB", 4),
        ("KB", 1),
        ("MB", 2),
        ("GB", 3),
        ("TB", 4),
        ("K", 1),
        ("M", 2),
        ("G", 3),
        ("T", 4),
        ("B", 0),
    ];

    /// <summary>Reads a size in bytes.</summary>
    /// <exception cref="CommandFailure">It is none.</exception>
    public static long Parse(string text)
    {
        var number = text.Trim().ToUpperInvariant();
        var power = 0;
        foreach (var (unit, unitPower) in Units)
        {
            if (number.EndsWith(unit, StringComparison.Ordinal))
            {
                number = number[..^unit.Length].TrimEnd();
                power = unitPower;
                break;
            }
        }

        if (decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            for (; power > 0 && value <= long.MaxValue; power--)
            {
                value *= 1024;
            }

            if (value <= long.MaxValue)
            {
                return (long)value;
            }
        }

        throw CommandFailure.Usage($"'{text}' is not a size.", "For example: 10GiB");
    }
}
