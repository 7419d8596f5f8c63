using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Gallery.Sharing.Access;

/// <summary>
/// What somebody wants to do: <c>Microsoft.Compute/galleries/images/versions/write</c>. Provider, types, operation; compared without
/// regard to case.
/// </summary>
/// <param name="Value">As it was written.</param>
internal sealed record ActionName(string Value)
{
    /// <summary>The longest action that is accepted.</summary>
    public const int Longest = 200;

    /// <summary>What a field that holds an action accepts.</summary>
    public const string Accepted =
        "Must be an action such as 'Microsoft.Compute/galleries/images/versions/write': at least three parts of A-Z a-z 0-9 . _ -, "
        + "parted by slashes, at most 200 characters, without wildcards.";

    private const int FewestParts = 3;

    private static readonly SearchValues<char> Characters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    /// <summary>Reads an action.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out ActionName? action)
    {
        action = null;
        if (text is null || text.Length > Longest)
        {
            return false;
        }

        var parts = 0;
        foreach (var part in text.AsSpan().Split('/'))
        {
            var span = text.AsSpan()[part];
            if (span.IsEmpty || span.ContainsAnyExcept(Characters))
            {
                return false;
            }

            parts++;
        }

        if (parts < FewestParts)
        {
            return false;
        }

        action = new ActionName(text);
        return true;
    }
}
