using System.Collections.Concurrent;

namespace Gallery.Cli.Tests.Harness;

/// <summary>Runs the command line in this process, with an environment of its own.</summary>
internal sealed class CommandLine : IDisposable
{
    public CommandLine()
    {
        Folder = Directory.CreateTempSubdirectory("gallery-cli-").FullName;
        Variables["GALLERY_CONFIG"] = Path.Combine(Folder, "config");
        Variables["GALLERY_DATA"] = Path.Combine(Folder, "data");
        Directory.CreateDirectory(Path.Combine(Folder, "data", "secrets"));
    }

    /// <summary>A folder that is deleted at the end.</summary>
    public string Folder { get; }

    public ConcurrentDictionary<string, string> Variables { get; } = new();

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public string Input { get; set; } = "";

    public bool Terminal { get; set; }

    public string File(string name) => Path.Combine(Folder, name);

    public Task<CommandResult> RunAsync(params string[] args) => RunAsync(CancellationToken.None, args);

    public async Task<CommandResult> RunAsync(CancellationToken cancellation, params string[] args)
    {
        using var input = new StringReader(Input);
        using var output = new StringWriter();
        using var error = new StringWriter();
        var surroundings = new Surroundings
        {
            Variable = name => Variables.GetValueOrDefault(name),
            In = input,
            Out = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            OutIsTerminal = Terminal,
            ErrorIsTerminal = Terminal,
            Time = Time,
        };
        var exitCode = await new CommandRunner(surroundings).RunAsync(args, cancellation);
        return new CommandResult(exitCode, output.ToString(), error.ToString());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
