using System.Buffers;
using System.Globalization;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Catalog.Resources;

/// <summary>Rules for values that several resources have. Pure: what is wrong is noted, nothing is thrown.</summary>
internal static class ValueRules
{
    public const int LongestText = 4096;
    public const int LongestUri = 2048;

    private const int MostTags = 50;
    private const int LongestTagKey = 512;
    private const int LongestTagValue = 256;
    private const long LatestSeconds = 253402300799; // 9999-12-31T23:59:59Z, the last second that a Timestamp may hold.
    private const long EarliestSeconds = -62135596800;
    private const int NanosPerSecond = 1_000_000_000;

    private static readonly SearchValues<char> ForbiddenInTagKeys = SearchValues.Create("<>%&\\?/");
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    /// <summary>Text of at most so many characters.</summary>
    public static void Text(Violations violations, string field, string value, int longest = LongestText) =>
        violations.AddIf(
            value.Length > longest,
            field,
            string.Create(CultureInfo.InvariantCulture, $"Must be at most {longest} characters long; it has {value.Length}.")
        );

    /// <summary>Empty, or an absolute http or https URL.</summary>
    public static void WebAddress(Violations violations, string field, string value)
    {
        var good =
            value.Length == 0
            || (value.Length <= LongestUri && Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https");
        violations.AddIf(
            !good,
            field,
            string.Create(CultureInfo.InvariantCulture, $"Must be an absolute http or https URL of at most {LongestUri} characters.")
        );
    }

    /// <summary>A name of a definition or gallery: first and last alphanumeric (semantics 3.1).</summary>
    /// <param name="violations">Where to note it.</param>
    /// <param name="field">The field that holds the name.</param>
    /// <param name="value">The name.</param>
    /// <param name="withDash">Whether a dash may stand in it.</param>
    public static void Name(Violations violations, string field, string value, bool withDash)
    {
        var good =
            value.Length is > 0 and <= 80
            && !value.AsSpan().ContainsAnyExcept(NameCharacters)
            && (withDash || !value.Contains('-', StringComparison.Ordinal))
            && char.IsAsciiLetterOrDigit(value[0])
            && char.IsAsciiLetterOrDigit(value[^1]);
        violations.AddIf(
            !good,
            field,
            withDash
                ? "Must be 1 to 80 characters of A-Z a-z 0-9 . _ -, the first and the last one a letter or digit."
                : "Must be 1 to 80 characters of A-Z a-z 0-9 . _ (no dash), the first and the last one a letter or digit."
        );
    }

    /// <summary>A word of a market's triple, or of what else is called by such words: required, of name characters, not ending in a period.</summary>
    public static void Word(Violations violations, string field, string value, int longest)
    {
        var good = value.Length > 0 && value.Length <= longest && !value.AsSpan().ContainsAnyExcept(NameCharacters) && value[^1] != '.';
        violations.AddIf(
            !good,
            field,
            string.Create(CultureInfo.InvariantCulture, $"Must be 1 to {longest} characters of A-Z a-z 0-9 . _ -, the last one no period.")
        );
    }

    /// <summary>Labels: a bounded number, bounded lengths, keys that differ in more than case.</summary>
    public static void Tags(Violations violations, string field, MapField<string, string> tags)
    {
        violations.AddIf(tags.Count > MostTags, field, $"Must be at most {MostTags} tags.");
        foreach (var (key, value) in tags)
        {
            var goodKey =
                key.Length is > 0 and <= LongestTagKey && !key.AsSpan().ContainsAny(ForbiddenInTagKeys) && !key.Any(char.IsControl);
            violations.AddIf(
                !goodKey,
                field,
                $"Keys must be 1 to {LongestTagKey} characters without < > % & \\ ? / and control characters; '{key}' is not."
            );
            violations.AddIf(
                value.Length > LongestTagValue,
                field,
                $"Values must be at most {LongestTagValue} characters long; that of '{key}' is longer."
            );
        }

        var twice = tags.Keys.GroupBy(key => key, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1);
        violations.AddIf(twice is not null, field, $"Keys must differ in more than case; '{twice?.Key}' stands there twice.");
    }

    /// <summary>A value of an enum that the contract knows, and not UNSPECIFIED if one is required.</summary>
    public static void Known<TEnum>(Violations violations, string field, TEnum value, bool required)
        where TEnum : struct, System.Enum
    {
        var unspecified = Convert.ToInt32(value, CultureInfo.InvariantCulture) == 0;
        violations.AddIf(
            !System.Enum.IsDefined(value) || (required && unspecified),
            field,
            $"Must be one of {string.Join(", ", System.Enum.GetNames<TEnum>().Where(name => name != "Unspecified"))}."
        );
    }

    /// <summary>Absent, or a point in time that a calendar knows; in the future when it is set anew.</summary>
    /// <param name="violations">Where to note it.</param>
    /// <param name="field">The field.</param>
    /// <param name="value">Its new value.</param>
    /// <param name="current">Its value so far: repeating it is fine even after it has passed.</param>
    /// <param name="now">The time.</param>
    public static void EndOfLife(Violations violations, string field, Timestamp? value, Timestamp? current, DateTimeOffset now)
    {
        if (value is null)
        {
            return;
        }

        if (!IsTime(value))
        {
            violations.Add(field, "Must be a time between the years 1 and 9999, with nanos from 0 to 999,999,999.");
        }
        else if (!value.Equals(current) && value.ToDateTimeOffset() <= now)
        {
            violations.Add(field, $"Must lie in the future: it is {now:O} now.");
        }
    }

    /// <summary>Whether a timestamp on the wire is one.</summary>
    public static bool IsTime(Timestamp value) =>
        value.Seconds is >= EarliestSeconds and <= LatestSeconds && value.Nanos is >= 0 and < NanosPerSecond;
}
