using System.Globalization;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Images;

/// <summary>Where a version is wanted: what stands after <c>--to</c>, <c>REGION[=COUNT[:STORAGE_TYPE]]</c>.</summary>
/// <param name="Region">The region in its canonical form: lower case, no spaces.</param>
/// <param name="ReplicaCount">Replicas, 1 to 100.</param>
/// <param name="StorageType">How they are stored; unspecified leaves it to the service.</param>
internal sealed record TargetSpec(string Region, int ReplicaCount, StorageAccountType StorageType)
{
    /// <summary>What is accepted, for messages.</summary>
    public const string Pattern = "REGION[=COUNT[:STORAGE_TYPE]]";

    private const int MostReplicas = 100;

    private static readonly (string Word, StorageAccountType Type)[] StorageTypes =
    [
        ("Standard_LRS", StorageAccountType.StandardLrs),
        ("Standard_ZRS", StorageAccountType.StandardZrs),
        ("Premium_LRS", StorageAccountType.PremiumLrs),
    ];

    /// <summary>Reads one.</summary>
    /// <exception cref="CommandFailure">It is none.</exception>
    public static TargetSpec Parse(string text)
    {
        var (beforeType, type) = Split(text, ':');
        var (region, count) = Split(beforeType, '=');
        return new TargetSpec(Canonical(region, text), Count(count, text), Storage(type, text));
    }

    /// <summary>Reads several; each region may be named once.</summary>
    /// <exception cref="CommandFailure">One of them is none, or a region is named twice.</exception>
    public static IReadOnlyList<TargetSpec> ParseAll(IEnumerable<string> texts)
    {
        var targets = texts.Select(Parse).ToList();
        var twice = targets.GroupBy(target => target.Region).FirstOrDefault(group => group.Count() > 1);
        return twice is null
            ? targets
            : throw CommandFailure.Usage($"The region '{twice.Key}' is named twice.", "Name each region once, with all its replicas.");
    }

    /// <summary>A region's name as services answer it: <c>East US</c> is <c>eastus</c>.</summary>
    public static string CanonicalRegion(string region) => region.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    private static (string Before, string? After) Split(string text, char at)
    {
        var index = text.IndexOf(at, StringComparison.Ordinal);
        return index < 0 ? (text, null) : (text[..index], text[(index + 1)..]);
    }

    private static string Canonical(string region, string text) =>
        CanonicalRegion(region) is { Length: > 0 } canonical ? canonical : throw Refuse(text, "the region is missing");

    private static int Count(string? count, string text) =>
        count switch
        {
            null => 1,
            _ when int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    && number is >= 1 and <= MostReplicas => number,
            _ => throw Refuse(text, $"the count is a whole number from 1 to {MostReplicas}"),
        };

    private static StorageAccountType Storage(string? type, string text)
    {
        if (type is null)
        {
            return StorageAccountType.Unspecified;
        }

        foreach (var (word, value) in StorageTypes)
        {
            if (word.Equals(type, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        throw Refuse(text, $"the storage type is one of {string.Join(", ", StorageTypes.Select(known => known.Word))}");
    }

    private static CommandFailure Refuse(string text, string why) =>
        CommandFailure.Usage($"'{text}' is not a target region: {why}.", $"Expected: {Pattern}, for example eastus=2:Standard_ZRS");
}
