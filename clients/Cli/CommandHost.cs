using System.CommandLine;
using System.CommandLine.Parsing;
using Gallery.Cli.Errors;
using Gallery.Cli.Output;
using Grpc.Core;

namespace Gallery.Cli;

/// <summary>Runs the body of a command, and turns whatever ends it into an exit code and words.</summary>
internal sealed class CommandHost(Surroundings surroundings, GlobalOptions options)
{
    /// <summary>The world outside.</summary>
    public Surroundings Surroundings => surroundings;

    /// <summary>Gives a command its body.</summary>
    /// <returns>The same command.</returns>
    public Command Handle(Command command, Func<Invocation, Task> body)
    {
        foreach (var argument in command.Arguments)
        {
            argument.Validators.Add(RefuseUnknownOption);
        }

        command.SetAction((parsed, cancellation) => RunAsync(parsed, body, cancellation));
        return command;
    }

    /// <summary>Writes a refusal to standard error.</summary>
    public static void Tell(ErrorReport report, OutputFormat format, Surroundings surroundings)
    {
        if (format == OutputFormat.Json)
        {
            ErrorWriter.WriteJson(report, surroundings.Error);
        }
        else
        {
            ErrorWriter.WriteLines(report, surroundings.Error);
        }
    }

    /// <summary>The library takes an option that it does not know for an argument.</summary>
    private static void RefuseUnknownOption(ArgumentResult result)
    {
        if (result.Tokens.FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal)) is { } unknown)
        {
            result.AddError($"There is no option '{unknown.Value}' here.");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Func<Invocation, Task> body, CancellationToken cancellation)
    {
        var format = options.FormatOf(parsed);
        try
        {
            using var invocation = new Invocation(parsed, options, format, surroundings, cancellation);
            await body(invocation);
            return ExitCode.Success;
        }
        catch (Exception ended) when (ended is not OutOfMemoryException)
        {
            // A failure inside a credentials callback comes back as the call's own: what it says is the better message.
            var cause = ended is RpcException { Status.DebugException: CommandFailure inner } ? inner : ended;
            var report = ErrorReport.From(cause, cancellation.IsCancellationRequested);
            Tell(report, format, surroundings);
            if (surroundings.Setting("GALLERY_DEBUG") is not null)
            {
                surroundings.Error.WriteLine(ended);
            }

            return report.ExitCode;
        }
    }
}
