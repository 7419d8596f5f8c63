using System.ComponentModel;
using System.Diagnostics;

namespace Gallery.Benchmarks;

/// <summary>What a user would use instead, for orientation. A tool that is not installed is left out, and that is said.</summary>
internal static class OtherTools
{
    /// <summary>Times each: a first copy, and the successor on top of it.</summary>
    /// <param name="root">Folder to work in. Has `before.raw`, the disk as it was.</param>
    /// <param name="disk">The successor.</param>
    /// <param name="say">Prints a line.</param>
    public static async Task RunAsync(string root, string disk, Action<string> say)
    {
        var before = Path.Combine(root, "before.raw");
        var copy = Path.Combine(root, "other.raw");
        await TryAsync(
            "rsync -S --inplace",
            async () =>
            {
                var first = await Clock.TimeAsync(() => RunAsync("rsync", "-S", before, copy));
                var second = await Clock.TimeAsync(() => RunAsync("rsync", "--inplace", "--no-whole-file", disk, copy));
                say($"rsync -S: {first.TotalSeconds:F1} s; its successor with --inplace: {second.TotalSeconds:F1} s");
                File.Delete(copy);
            }
        );
        var repository = Path.Combine(root, "borg");
        await TryAsync(
            "borg with blocks of 64 KiB",
            async () =>
            {
                Environment.SetEnvironmentVariable("BORG_BASE_DIR", root);
                Environment.SetEnvironmentVariable("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes");
                await RunAsync("borg", "init", "--encryption=none", repository);
                var first = await Clock.TimeAsync(() => BorgAsync(repository, "first", before));
                var second = await Clock.TimeAsync(() => BorgAsync(repository, "second", disk));
                say($"borg with blocks of 64 KiB: {first.TotalSeconds:F1} s; its successor: {second.TotalSeconds:F1} s");
            }
        );

        async Task TryAsync(string tool, Func<Task> run)
        {
            try
            {
                await run();
            }
            catch (Win32Exception)
            {
                say($"{tool}: not installed, left out");
            }
        }
    }

    /// <summary>Runs a tool to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task RunAsync(string tool, params string[] arguments)
    {
        using var process = Process.Start(tool, arguments);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{tool} ended with {process.ExitCode}.");
        }
    }

    private static Task BorgAsync(string repository, string archive, string file) =>
        RunAsync("borg", "create", "--chunker-params", "fixed,65536", "--compression", "none", $"{repository}::{archive}", file);
}
