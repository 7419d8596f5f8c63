using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace Gallery.LocalHosting.Running;

/// <summary>One line that a process wrote.</summary>
internal sealed record ConsoleLine(int Number, DateTimeOffset Time, string Text, bool IsError)
{
    /// <summary>The text with the time in front, as the dashboard expects it.</summary>
    public string Stamped => string.Create(CultureInfo.InvariantCulture, $"{Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {Text}");
}

/// <summary>What the processes wrote: the last lines in memory, all of it in a file per resource.</summary>
internal sealed class ConsoleLogs(LocalHostOptions options, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<ConsoleLog>> _logs = new(StringComparer.OrdinalIgnoreCase);

    public ConsoleLog Of(string resourceName) =>
        _logs
            .GetOrAdd(
                resourceName,
                name => new Lazy<ConsoleLog>(() => new ConsoleLog(Path.Combine(options.LogFolder, name + ".log"), time))
            )
            .Value;

    public void Dispose()
    {
        foreach (var log in _logs.Values)
        {
            log.Value.Dispose();
        }
    }
}

/// <summary>What one resource's process wrote.</summary>
internal sealed partial class ConsoleLog : IDisposable
{
    private const int KeptLines = 2000;
    private const long LargestFile = 16 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<ConsoleLine> _lines = new();
    private readonly List<Channel<ConsoleLine>> _followers = [];
    private readonly TimeProvider _time;
    private StreamWriter _file;
    private int _number;

    public ConsoleLog(string path, TimeProvider time)
    {
        Path = path;
        _time = time;
        _file = Open(path);
    }

    public string Path { get; }

    public void Write(string text, bool isError)
    {
        lock (_gate)
        {
            var line = new ConsoleLine(++_number, _time.GetUtcNow(), text, isError);
            _lines.Enqueue(line);
            if (_lines.Count > KeptLines)
            {
                _lines.Dequeue();
            }

            WriteToFile(line);
            foreach (var follower in _followers)
            {
                follower.Writer.TryWrite(line);
            }
        }
    }

    /// <summary>The last lines.</summary>
    public IReadOnlyList<ConsoleLine> Last(int count = KeptLines)
    {
        lock (_gate)
        {
            return [.. _lines.Skip(Math.Max(0, _lines.Count - count))];
        }
    }

    /// <summary>Gives all kept lines and, without a gap, every later one until <paramref name="follower"/> is removed again.</summary>
    public IReadOnlyList<ConsoleLine> Follow(Channel<ConsoleLine> follower)
    {
        lock (_gate)
        {
            _followers.Add(follower);
            return [.. _lines];
        }
    }

    public void Unfollow(Channel<ConsoleLine> follower)
    {
        lock (_gate)
        {
            _followers.Remove(follower);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _file.Dispose();
        }
    }

    /// <summary>Takes the colour codes out of a line.</summary>
    public static string Plain(string text) => text.Contains('\e', StringComparison.Ordinal) ? EscapeSequence().Replace(text, "") : text;

    private void WriteToFile(ConsoleLine line)
    {
        try
        {
            if (_file.BaseStream.Length > LargestFile)
            {
                _file.Dispose();
                File.Move(Path, Path + ".1", overwrite: true);
                _file = Open(Path);
            }

            _file.WriteLine(Plain(line.Stamped));
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // A full disk must not end the process whose line this is; the line is still in memory.
        }
    }

    private static StreamWriter Open(string path)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new StreamWriter(path, options) { AutoFlush = true };
    }

    [GeneratedRegex("\e\\[[0-9;?]*[A-Za-z]")]
    private static partial Regex EscapeSequence();
}
