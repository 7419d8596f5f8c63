using System.Diagnostics;

namespace Gallery.Region.Tests.Support;

/// <summary>`qemu-img`, which makes the images that are read and reads those that are made.</summary>
internal static class QemuImg
{
    /// <summary>Makes an image of a raw disk.</summary>
    public static Task ConvertAsync(string raw, string image, string format, string options = "") =>
        RunAsync($"convert -f raw -O {format} {options} {raw} {image}");

    /// <summary>Runs it; what it prints is the answer, and the reason when it fails.</summary>
    public static async Task<string> RunAsync(string arguments) =>
        await RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Runs it with arguments that may have spaces in them.</summary>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("qemu-img", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var kill = patience.Token.Register(process.Kill);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        Assert.True(process.ExitCode == 0, $"qemu-img {string.Join(' ', arguments)}: {await error}{output}");
        return output;
    }
}
