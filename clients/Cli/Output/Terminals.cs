using Spectre.Console;

namespace Gallery.Cli.Output;

/// <summary>Consoles for the library that draws tables and bars.</summary>
internal static class Terminals
{
    private const int NoLimit = 16_384;

    /// <summary>A terminal: with colours, unless NO_COLOR is set, and its own width.</summary>
    public static IAnsiConsole Terminal(TextWriter to) => Create(to, ansi: true);

    /// <summary>Lines of any length.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="ansi">True when they end up on a terminal.</param>
    public static IAnsiConsole Unlimited(TextWriter to, bool ansi)
    {
        var console = Create(to, ansi);
        console.Profile.Width = NoLimit;
        return console;
    }

    private static IAnsiConsole Create(TextWriter to, bool ansi) =>
        AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = ansi ? AnsiSupport.Yes : AnsiSupport.No,
                ColorSystem = ansi ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
                Interactive = ansi ? InteractionSupport.Yes : InteractionSupport.No,
                Out = new AnsiConsoleOutput(to),
            }
        );
}
