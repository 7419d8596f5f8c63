using System.Collections.Concurrent;
using System.Diagnostics;

namespace Gallery.LocalHosting.Running;

/// <summary>
/// Starts processes so that they can't outlive the host: each leads its own session (so its whole tree gets a signal at once and a
/// Ctrl+C on the terminal reaches only the host, which then ends them in order), and the kernel ends it when the host dies.
/// </summary>
/// <remarks>
/// The kernel ties a child to the <em>thread</em> that started it. Pool threads come and go, so one thread that lives as long as the
/// host starts them all. Where setsid or setpriv are missing, the next start finds left-overs through the state file.
/// </remarks>
internal sealed class ProcessLauncher : IDisposable
{
    private readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> _queue = [];
    private readonly string? _setsid = Find("setsid");
    private readonly string? _setpriv = Find("setpriv");

    public ProcessLauncher()
    {
        new Thread(Work) { IsBackground = true, Name = "process launcher" }.Start();
    }

    /// <summary>Finds a program: a path as it is, a name on the PATH.</summary>
    public static string? Find(string command, string? workingDirectory = null)
    {
        if (command.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            var full = Path.GetFullPath(command, workingDirectory ?? Directory.GetCurrentDirectory());
            return File.Exists(full) ? full : null;
        }

        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, command))
            .FirstOrDefault(File.Exists);
    }

    public Task<Process> StartAsync(
        string program,
        IEnumerable<string> arguments,
        string workingDirectory,
        IReadOnlyDictionary<string, string?> environment
    )
    {
        string[] wrapper =
        [
            .. _setsid is null ? [] : new[] { _setsid },
            .. _setpriv is null ? [] : new[] { _setpriv, "--pdeathsig", "TERM", "--" },
        ];
        string[] line = [.. wrapper, program, .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _queue.Add((start, started));
        return started.Task;
    }

    public void Dispose() => _queue.CompleteAdding();

    private void Work()
    {
        foreach (var (start, started) in _queue.GetConsumingEnumerable())
        {
            try
            {
                var process = Process.Start(start)!;
                process.StandardInput.Close();
                started.SetResult(process);
            }
            catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
            {
                started.SetException(new LocalHostingException($"{start.FileName} could not be started: {failure.Message}"));
            }
        }

        _queue.Dispose();
    }
}
