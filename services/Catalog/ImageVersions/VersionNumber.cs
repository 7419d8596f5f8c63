using System.Globalization;

namespace Gallery.Catalog.ImageVersions;

/// <summary>The number of a version: <c>major.minor.patch</c> (semantics 3.1). Ordered by number, not as text.</summary>
/// <param name="Major">0 to 2,147,483,647.</param>
/// <param name="Minor">0 to 2,147,483,647.</param>
/// <param name="Patch">0 to 2,147,483,647.</param>
internal readonly record struct VersionNumber(int Major, int Minor, int Patch) : IComparable<VersionNumber>
{
    /// <summary>What a field accepts that holds one.</summary>
    public const string Form =
        "Must be major.minor.patch, three whole numbers from 0 to 2147483647 without leading zeros: 1.0.0 for example.";

    // Ten digits hold every int, so that the order of the texts is the order of the numbers.
    private const string Padded = "0000000000";

    /// <summary>A text whose byte order among its like is the order of the numbers: the member of an index.</summary>
    public string SortKey =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Major.ToString(Padded, CultureInfo.InvariantCulture)}.{Minor.ToString(Padded, CultureInfo.InvariantCulture)}.{Patch.ToString(Padded, CultureInfo.InvariantCulture)}"
        );

    /// <summary>Reads a number.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out VersionNumber number)
    {
        number = default;
        Span<Range> parts = stackalloc Range[4];
        if (
            text.Split(parts, '.') != 3
            || !TryPart(text[parts[0]], out var major)
            || !TryPart(text[parts[1]], out var minor)
            || !TryPart(text[parts[2]], out var patch)
        )
        {
            return false;
        }

        number = new VersionNumber(major, minor, patch);
        return true;
    }

    /// <summary>Reads a member of an index back.</summary>
    public static VersionNumber FromSortKey(string sortKey)
    {
        var parts = sortKey.Split('.');
        return new VersionNumber(
            int.Parse(parts[0], CultureInfo.InvariantCulture),
            int.Parse(parts[1], CultureInfo.InvariantCulture),
            int.Parse(parts[2], CultureInfo.InvariantCulture)
        );
    }

    /// <inheritdoc />
    public int CompareTo(VersionNumber other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <summary><c>1.0.0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Patch}");

    private static bool TryPart(ReadOnlySpan<char> text, out int value)
    {
        value = 0;
        return text.Length is > 0 and <= 10
            && (text.Length == 1 || text[0] != '0')
            && !text.ContainsAnyExceptInRange('0', '9')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}
