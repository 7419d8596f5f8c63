using System.Globalization;
using Gallery.Billing.Charges;
using Gallery.Billing.Regions;
using Gallery.Contracts.Common.V1;
using Microsoft.Extensions.Options;

namespace Gallery.Billing.Prices;

/// <summary>A stretch of time in which one sheet holds.</summary>
internal readonly record struct PricedSpan(DateTimeOffset Start, DateTimeOffset End, PriceSheet Sheet);

/// <summary>All price sheets, by effective time.</summary>
internal sealed class PriceBook
{
    /// <summary>What callers may write for the id of the sheet that holds now.</summary>
    public const string CurrentId = "current";

    private static readonly StorageAccountType[] Types =
    [
        StorageAccountType.StandardLrs,
        StorageAccountType.StandardZrs,
        StorageAccountType.PremiumLrs,
        StorageAccountType.PremiumV2Lrs,
    ];

    /// <summary>The sheets of the configuration, or the public prices when there are none.</summary>
    /// <exception cref="InvalidOperationException">They are no price sheets; the message names the setting.</exception>
    public PriceBook(IOptions<PriceOptions> options)
        : this(options.Value.PriceSheets.Count == 0 ? [DefaultPrices.Sheet] : options.Value.PriceSheets) { }

    private PriceBook(IList<PriceSheetOptions> sheets)
    {
        Sheets = [.. sheets.Select(Read).OrderBy(sheet => sheet.EffectiveTime ?? DateTimeOffset.MinValue)];
        Require(Sheets.DistinctBy(sheet => sheet.Id).Count() == Sheets.Count, "Billing:PriceSheets", "two sheets have the same Id");
        Require(
            Sheets.DistinctBy(sheet => sheet.EffectiveTime).Count() == Sheets.Count,
            "Billing:PriceSheets",
            "two sheets have the same EffectiveTime"
        );
        Require(Sheets.DistinctBy(sheet => sheet.Currency).Count() == 1, "Billing:PriceSheets", "all sheets must have the same Currency");
    }

    private PriceBook(PriceSheet sheet) => Sheets = [sheet];

    /// <summary>The sheets, oldest first.</summary>
    public IReadOnlyList<PriceSheet> Sheets { get; }

    /// <summary>The currency of all sheets.</summary>
    public string Currency => Sheets[0].Currency;

    /// <summary>The sheet that holds at an instant.</summary>
    public PriceSheet At(DateTimeOffset time) =>
        Sheets.LastOrDefault(sheet => sheet.EffectiveTime is null || sheet.EffectiveTime <= time) ?? Sheets[0];

    /// <summary>A stretch of time, cut where prices change.</summary>
    public IReadOnlyList<PricedSpan> Spans(DateTimeOffset start, DateTimeOffset end)
    {
        var cuts = Sheets
            .Skip(1)
            .Select(sheet => sheet.EffectiveTime!.Value)
            .Where(time => time > start && time < end)
            .Prepend(start)
            .Append(end)
            .ToArray();
        return [.. cuts.Zip(cuts.Skip(1), (from, to) => new PricedSpan(from, to, At(from)))];
    }

    /// <summary>A book with one sheet that holds for ever.</summary>
    public static PriceBook Of(PriceSheet sheet) => new(sheet);

    private static PriceSheet Read(PriceSheetOptions options, int index)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"Billing:PriceSheets:{index}");
        Require(
            options.Id.Length is > 0 and <= 63
                && options.Id.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')
                && options.Id != CurrentId,
            path + ":Id",
            "must be 1 to 63 of a-z 0-9 -, and not 'current'"
        );
        Require(
            options.Currency.Length == 3 && options.Currency.All(char.IsAsciiLetterUpper),
            path + ":Currency",
            "must be three capital letters"
        );

        var storage = new Dictionary<(string, StorageAccountType), long>();
        foreach (var price in options.Storage)
        {
            var known = Enum.TryParse<StorageAccountType>(price.Type, ignoreCase: true, out var type) && Types.Contains(type);
            Require(known, path + ":Storage", $"'{price.Type}' is none of {string.Join(", ", Types)}");
            storage[(RegionMap.Canonical(price.Region), type)] = Nanos(price.PricePerGbMonth, path + ":Storage");
        }

        Require(Types.All(type => storage.ContainsKey(("", type))), path + ":Storage", "each type needs a price without a region");

        var egress = options
            .Egress.Select(price => new EgressRate(
                RegionMap.Canonical(price.SourceRegion),
                RegionMap.Canonical(price.TargetRegion),
                price.SourceContinent,
                price.TargetContinent,
                Nanos(price.PricePerGb, path + ":Egress")
            ))
            .ToArray();
        Require(
            egress.All(rate =>
                rate.SourceRegion.Length > 0 == rate.TargetRegion.Length > 0
                && (rate.SourceRegion.Length == 0 || rate.SourceContinent.Length + rate.TargetContinent.Length == 0)
            ),
            path + ":Egress",
            "a price names both regions, or continents, or neither"
        );
        Require(egress.Any(rate => rate.Specificity == 0), path + ":Egress", "one price without any condition is needed");
        return new PriceSheet(options.Id, options.Currency, options.EffectiveTime, storage, egress);
    }

    private static long Nanos(decimal price, string path)
    {
        try
        {
            return Units.ToNanos(price);
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw new InvalidOperationException($"{path}: {exception.Message}", exception);
        }
    }

    private static void Require(bool holds, string path, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"{path}: {otherwise}.");
        }
    }
}
