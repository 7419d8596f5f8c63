using System.Text.RegularExpressions;

namespace Gallery.LocalHosting;

/// <summary>The rule for resource names, the same as Aspire's.</summary>
internal static partial class ResourceNames
{
    public static string Checked(string name) =>
        name is { Length: > 0 and <= 64 } && Allowed().IsMatch(name)
            ? name
            : throw new ArgumentException(
                $"'{name}' is no resource name: 1 to 64 letters, digits and single hyphens, beginning with a letter, not ending with a hyphen.",
                nameof(name)
            );

    [GeneratedRegex("^[a-zA-Z](?:-?[a-zA-Z0-9])*$")]
    private static partial Regex Allowed();
}
