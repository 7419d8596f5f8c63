using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gallery.LocalHosting.Running;

/// <summary>What the state file tells of one resource.</summary>
/// <param name="Type">`Project` or `Executable`.</param>
/// <param name="State">State by the names of the dashboard.</param>
/// <param name="Healthy">Whether all its checks pass.</param>
/// <param name="Pid">Its process, if it runs.</param>
/// <param name="StartTicks">When that process began; with the pid it names the process for certain.</param>
/// <param name="ExitCode">How its last process ended.</param>
/// <param name="Urls">URL by name of the endpoint.</param>
internal sealed record ResourceRunState(
    string Type,
    string State,
    bool Healthy,
    int? Pid,
    long? StartTicks,
    int? ExitCode,
    IReadOnlyDictionary<string, string> Urls
);

/// <summary>What the state file tells.</summary>
/// <param name="HostPid">The host's process.</param>
/// <param name="BootId">The machine's start within which pids and ticks mean something.</param>
/// <param name="Page">URL of the page.</param>
/// <param name="Resources">Every process of the application by its name.</param>
internal sealed record HostRunState(int HostPid, string BootId, string Page, IReadOnlyDictionary<string, ResourceRunState> Resources);

/// <summary>
/// `run/state.json` in the data folder: for scripts and tests that want to know what runs where, and for the next start, which ends
/// what a host that died left behind. One host at a time holds the folder.
/// </summary>
internal sealed class RunState(LocalHostOptions options, ResourceBoard board, HostEndpoints endpoints, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PatienceForLeftOvers = TimeSpan.FromSeconds(3);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly string _path = Path.Combine(options.RunFolder, "state.json");
    private FileStream? _held;

    /// <summary>Marks the folder as ours and ends what a host that died left running.</summary>
    /// <exception cref="LocalHostingException">Another host holds it.</exception>
    public async Task AcquireAsync(CancellationToken cancellationToken)
    {
        CreatePrivateFolder(options.DataPath);
        CreatePrivateFolder(options.RunFolder);
        CreatePrivateFolder(options.LogFolder);
        try
        {
            _held = new FileStream(
                Path.Combine(options.RunFolder, "host.lock"),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None
            );
        }
        catch (IOException)
        {
            throw new LocalHostingException($"Another AppHost is running on {options.DataPath}. It must end first: ./start --stop");
        }

        File.Delete(Path.Combine(options.RunFolder, "ready"));
        await EndLeftOversAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Keeps the file up to date until it is cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        using var subscription = board.Watch();
        try
        {
            do
            {
                while (subscription.Changes.TryRead(out _))
                {
                    // Many changes make one file.
                }

                Write(Current());
                await Task.Delay(QuietTime, time, cancellationToken).ConfigureAwait(false);
            } while (await subscription.Changes.WaitToReadAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The host ends; Release says the last word.
        }
    }

    /// <summary>Everything has ended: the folder is free for the next host.</summary>
    public void Release()
    {
        if (_held is not null)
        {
            File.Delete(_path);
            File.Delete(Path.Combine(options.RunFolder, "ready"));
            Dispose();
        }
    }

    /// <summary>Says that everything is healthy; the file holds what was told to the person at the terminal.</summary>
    public void MarkReady(string text) => WritePrivate(Path.Combine(options.RunFolder, "ready"), text);

    public HostRunState Current() =>
        new(
            Environment.ProcessId,
            NativeProcess.BootId(),
            endpoints.PageUrl,
            board
                .All.Where(snapshot => snapshot.IsProcess)
                .ToDictionary(
                    snapshot => snapshot.Name,
                    snapshot => new ResourceRunState(
                        snapshot.Type,
                        snapshot.State,
                        snapshot.IsReady,
                        snapshot.Pid,
                        snapshot.StartTicks,
                        snapshot.ExitCode,
                        snapshot.Urls.ToDictionary(url => url.EndpointName, url => url.Url)
                    )
                )
        );

    public void Dispose()
    {
        _held?.Dispose();
        _held = null;
    }

    private async Task EndLeftOversAsync(CancellationToken cancellationToken)
    {
        if (ReadPrevious() is not { } previous || previous.BootId != NativeProcess.BootId())
        {
            return;
        }

        var left = previous
            .Resources.Values.Where(state => state is { Pid: { } pid, StartTicks: { } began } && NativeProcess.StartTicks(pid) == began)
            .Select(state => state.Pid!.Value)
            .ToList();
        left.ForEach(pid => NativeProcess.Signal(pid, NativeProcess.Terminate));
        for (var waited = TimeSpan.Zero; left.Count > 0; waited += QuietTime)
        {
            left.RemoveAll(pid => NativeProcess.StartTicks(pid) is null);
            if (waited >= PatienceForLeftOvers)
            {
                left.ForEach(pid => NativeProcess.Signal(pid, NativeProcess.KillAtOnce));
                return;
            }

            await Task.Delay(QuietTime, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private HostRunState? ReadPrevious()
    {
        try
        {
            return File.Exists(_path) ? JsonSerializer.Deserialize<HostRunState>(File.ReadAllText(_path), Json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Write(HostRunState state) => WritePrivate(_path, JsonSerializer.Serialize(state, Json));

    private static void WritePrivate(string path, string text)
    {
        var draft = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}");
        var creation = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var writer = new StreamWriter(draft, creation))
        {
            writer.Write(text);
        }

        File.Move(draft, path, overwrite: true);
    }

    private static void CreatePrivateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
