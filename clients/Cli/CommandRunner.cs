using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Gallery.Cli.Activity;
using Gallery.Cli.Content;
using Gallery.Cli.Cost;
using Gallery.Cli.Definitions;
using Gallery.Cli.Deploy;
using Gallery.Cli.Errors;
using Gallery.Cli.Galleries;
using Gallery.Cli.Images;
using Gallery.Cli.Login;
using Gallery.Cli.Regions;
using Gallery.Cli.Snapshots;
using Gallery.Cli.Versions;

namespace Gallery.Cli;

/// <summary>The command line as a whole: parses, runs one command, and tells how it ended.</summary>
internal sealed class CommandRunner(Surroundings surroundings)
{
    /// <summary>After Ctrl-C, so long may a command take to give back what it holds: a lease, an upload.</summary>
    private static readonly TimeSpan TidyUp = TimeSpan.FromSeconds(10);

    private const string Description = """
        Publishes machine images, replicates them to regions, deploys from them, and says what that costs.

        Names: a resource is named in full (subscriptions/{s}/resourceGroups/{rg}/galleries/{g}/images/{i}/versions/{v}), in short
        (GROUP/GALLERY/DEFINITION/VERSION), or by --group, --gallery, --definition and --version.
        Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not signed in, 4 a service does not answer, 130 interrupted.
        Environment: GALLERY_DATA (data folder of a gallery on this machine), GALLERY_SUBSCRIPTION, GALLERY_CONFIG (folder of the
        sign-in file), GALLERY_{IDENTITY,CATALOG,SHARING,REPLICATION,BILLING}_URL, GALLERY_CLIENT_SECRET, NO_COLOR.
        """;

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The words after the program's name.</param>
    /// <param name="cancellation">Ends the command as Ctrl-C does.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var options = new GlobalOptions();
        var root = CreateRoot(new CommandHost(surroundings, options));
        options.AddTo(root);
        var parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            return RefuseUsage(parsed, options);
        }

        if (parsed.Action is HelpAction)
        {
            return await HelpAsync(parsed, cancellation);
        }

        return await parsed.InvokeAsync(Configuration(surroundings.Out), cancellation);
    }

    private InvocationConfiguration Configuration(TextWriter to) =>
        new()
        {
            Output = to,
            Error = surroundings.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TidyUp,
        };

    /// <summary>The library calls a program by its file, people call it <c>gallery</c>.</summary>
    private async Task<int> HelpAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var text = new StringWriter();
        await parsed.InvokeAsync(Configuration(text), cancellation);
        await surroundings.Out.WriteAsync(
            text.ToString().Replace($"  {RootCommand.ExecutableName} ", "  gallery ", StringComparison.Ordinal)
        );
        return ExitCode.Success;
    }

    private static RootCommand CreateRoot(CommandHost host) =>
        new(Description)
        {
            LoginCommands.Login(host),
            LoginCommands.Token(host),
            LoginCommands.Logout(host),
            GalleryCommands.Create(host),
            DefinitionCommands.Create(host),
            ImageCommands.Create(host),
            VersionCommands.Create(host),
            SnapshotCommands.Create(host),
            DeployCommands.Create(host),
            ContentCommands.Create(host),
            CostCommands.Create(host),
            RegionCommands.Create(host),
            ActivityCommands.Create(host),
        };

    private int RefuseUsage(ParseResult parsed, GlobalOptions options)
    {
        var command = parsed.CommandResult.Command;
        var path = string.Join(' ', Path(parsed.CommandResult).Reverse());
        var report = new ErrorReport
        {
            ExitCode = ExitCode.Usage,
            Message = (command.Subcommands.Count > 0, parsed.UnmatchedTokens) switch
            {
                (true, [var word, ..]) => $"There is no '{path} {word}'.",
                (true, []) => $"'{path}' needs a command.",
                _ => string.Join(" ", parsed.Errors.Select(error => error.Message)),
            },
            Advice =
                command.Subcommands.Count > 0
                    ? $"There are: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}. '{path} --help' says more."
                    : $"'{path} --help' shows how it is used.",
        };
        CommandHost.Tell(report, options.FormatOf(parsed), surroundings);
        return report.ExitCode;
    }

    private static IEnumerable<string> Path(CommandResult? command)
    {
        for (; command is not null; command = command.Parent as CommandResult)
        {
            yield return command.Command is RootCommand ? "gallery" : command.Command.Name;
        }
    }
}
