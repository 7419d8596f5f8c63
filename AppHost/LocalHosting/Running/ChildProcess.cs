using System.Diagnostics;

namespace Gallery.LocalHosting.Running;

/// <summary>A started process: its output, its end, and how to bring that about.</summary>
internal sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan PatienceForOutput = TimeSpan.FromMilliseconds(500);

    private readonly Process _process;
    private readonly Task _output;

    public ChildProcess(Process process, ConsoleLog log)
    {
        _process = process;
        Pid = process.Id;
        StartTicks = NativeProcess.StartTicks(Pid);
        _output = Task.WhenAll(
            PumpAsync(process.StandardOutput, log, isError: false),
            PumpAsync(process.StandardError, log, isError: true)
        );
        Exit = WaitAsync();
    }

    public int Pid { get; }

    public long? StartTicks { get; }

    /// <summary>Completes with the exit code; 128 + signal if a signal ended it.</summary>
    public Task<int> Exit { get; }

    /// <summary>Asks the process and its children to end, and kills what is left when they take too long.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        NativeProcess.Signal(Pid, NativeProcess.Terminate);
        if (await Task.WhenAny(Exit, Task.Delay(timeout)).ConfigureAwait(false) != Exit)
        {
            NativeProcess.Signal(Pid, NativeProcess.KillAtOnce);
        }

        await Exit.ConfigureAwait(false);
    }

    public void Dispose() => _process.Dispose();

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync().ConfigureAwait(false);

        // However it ended: children that it left in its group end with it.
        NativeProcess.SignalGroup(Pid, NativeProcess.KillAtOnce);

        // A grandchild may hold the pipes open for as long as it likes; the last lines get a moment.
        await Task.WhenAny(_output, Task.Delay(PatienceForOutput)).ConfigureAwait(false);
        return _process.ExitCode;
    }

    private static async Task PumpAsync(StreamReader reader, ConsoleLog log, bool isError)
    {
        try
        {
            while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                log.Write(line, isError);
            }
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The pipe ends with the process.
        }
    }
}
