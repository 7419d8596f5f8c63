using System.Globalization;

namespace Gallery.Cli.Versions;

/// <summary>The form of a version's own name (semantics 3.1), checked before any byte is sent.</summary>
internal static class VersionNumber
{
    /// <summary>True for three whole numbers from 0 to 2,147,483,647 without leading zeros, joined by dots.</summary>
    public static bool IsValid(string text)
    {
        var parts = text.Split('.');
        return parts.Length == 3 && Array.TrueForAll(parts, IsNumber);
    }

    /// <summary>Refuses what is not a version.</summary>
    /// <exception cref="CommandFailure">It is not one.</exception>
    public static void Require(string text)
    {
        if (!IsValid(text))
        {
            throw CommandFailure.Usage(
                $"'{text}' is not a version: three whole numbers from 0 to 2147483647 are, without leading zeros.",
                "For example: 1.0.0"
            );
        }
    }

    private static bool IsNumber(string part) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _) && (part.Length == 1 || part[0] != '0');
}
