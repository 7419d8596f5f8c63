using System.Diagnostics;

namespace Gallery.TestKit.Suite;

/// <summary>What a command printed and how it ended.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>This result, if the command succeeded.</summary>
    /// <exception cref="InvalidOperationException">It did not.</exception>
    public CommandResult Succeeded() =>
        ExitCode == 0 ? this : throw new InvalidOperationException($"The command ended with {ExitCode}.\n{Output}\n{Error}");
}

/// <summary>Runs the scripts of the repository as a user does.</summary>
public sealed class CommandLine(string repository, IReadOnlyDictionary<string, string> environment)
{
    /// <summary>The same with one environment variable set differently.</summary>
    public CommandLine With(string name, string value) => new(repository, new Dictionary<string, string>(environment) { [name] = value });

    /// <summary>Runs a script to its end.</summary>
    public async Task<CommandResult> RunAsync(string script, string[] arguments, TimeSpan? timeout = null)
    {
        var start = new ProcessStartInfo(Path.Combine(repository, script), arguments)
        {
            WorkingDirectory = repository,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{script} did not start.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(timeout ?? TimeSpan.FromMinutes(5));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{script} {string.Join(' ', arguments)} did not end in time.\n{await output}\n{await error}");
        }
        return new CommandResult(process.ExitCode, await output, await error);
    }
}
