using System.Globalization;

namespace Gallery.Billing.Charges;

/// <summary>A calendar month in UTC.</summary>
/// <param name="Start">Its first instant.</param>
internal readonly record struct BillingMonth(DateTimeOffset Start)
{
    /// <summary>What a field that holds a month accepts.</summary>
    public const string Accepted = "Must be a month in UTC, 'yyyy-MM', from 2000-01 to 9998-12.";

    private const string Format = "yyyy-MM";
    private const int FirstYear = 2000;
    private const int LastYear = 9998;

    /// <summary>The first instant after it.</summary>
    public DateTimeOffset End => Start.AddMonths(1);

    /// <summary>How long it is.</summary>
    public TimeSpan Length => End - Start;

    /// <summary>The month that an instant lies in.</summary>
    public static BillingMonth Of(DateTimeOffset time) =>
        new(new DateTimeOffset(time.UtcDateTime.Year, time.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>Reads <c>yyyy-MM</c>.</summary>
    public static bool TryParse(string? text, out BillingMonth month)
    {
        var valid =
            DateTimeOffset.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start)
            && start.Year is >= FirstYear and <= LastYear;
        month = valid ? new BillingMonth(start) : default;
        return valid;
    }

    /// <summary>Whether an instant can be billed: the month it lies in can be named.</summary>
    public static bool Covers(DateTimeOffset time) => time.UtcDateTime.Year is >= FirstYear and <= LastYear;

    /// <summary><c>yyyy-MM</c>.</summary>
    public override string ToString() => Start.ToString(Format, CultureInfo.InvariantCulture);
}
