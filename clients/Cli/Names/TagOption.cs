using System.CommandLine;

namespace Gallery.Cli.Names;

/// <summary>The option <c>--tag KEY=VALUE</c>, which may be repeated.</summary>
internal static class TagOption
{
    /// <summary>A new option.</summary>
    public static Option<string[]> Create() => new("--tag") { Description = "A label, may be repeated.", HelpName = "KEY=VALUE" };

    /// <summary>Puts the tags into a message.</summary>
    /// <exception cref="CommandFailure">One of them has no key.</exception>
    public static void Fill(IDictionary<string, string> tags, string[]? given)
    {
        foreach (var tag in given ?? [])
        {
            var at = tag.IndexOf('=', StringComparison.Ordinal);
            if (at == 0)
            {
                throw CommandFailure.Usage($"'{tag}' is not a tag.", "Expected: KEY=VALUE");
            }

            tags[at < 0 ? tag : tag[..at]] = at < 0 ? "" : tag[(at + 1)..];
        }
    }
}
