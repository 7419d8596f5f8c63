using System.Globalization;
using Gallery.Contracts.Common.V1;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Cli.Output;

/// <summary>Values in words, the same everywhere.</summary>
internal static class Human
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>A size: <c>512 MiB</c>, <c>1.5 GiB</c>.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        while (Math.Abs(value) >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {Units[unit]}");
    }

    /// <summary>A moment: <c>2026-11-24 10:17:03Z</c>; empty when absent.</summary>
    public static string Time(Timestamp? time) =>
        time is null ? "" : time.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>A span of time: <c>0:01:40</c>; empty when absent.</summary>
    public static string Span(Duration? span) =>
        span is null
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $"{span.Seconds / 3600}:{span.Seconds / 60 % 60:00}:{span.Seconds % 60:00}");

    /// <summary>An amount of money: <c>3.40 USD</c>. Two decimals, and up to six where the amount has them.</summary>
    public static string Money(Money? money) =>
        money is null
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $"{money.Units + (money.Nanos / 1_000_000_000m):0.00####} {money.CurrencyCode}");

    /// <summary>A number.</summary>
    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A storage type as it is written on the command line: <c>Standard_ZRS</c>; empty when unspecified.</summary>
    public static string Storage(StorageAccountType type) =>
        type switch
        {
            StorageAccountType.StandardLrs => "Standard_LRS",
            StorageAccountType.StandardZrs => "Standard_ZRS",
            StorageAccountType.PremiumLrs => "Premium_LRS",
            StorageAccountType.PremiumV2Lrs => "PremiumV2_LRS",
            _ => "",
        };

    /// <summary>An enum's value in lower-case words: <c>in progress</c>; empty when unspecified.</summary>
    public static string Words<T>(T value)
        where T : struct, System.Enum
    {
        var name = value.ToString();
        if (name == "Unspecified")
        {
            return "";
        }

        return string.Concat(
            name.Select(
                (c, i) =>
                    i > 0 && char.IsUpper(c) && !char.IsUpper(name[i - 1]) ? $" {char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"
            )
        );
    }

    /// <summary>Tags: <c>a=1, b=2</c>.</summary>
    public static string Tags(IEnumerable<KeyValuePair<string, string>> tags) =>
        string.Join(", ", tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}"));
}
