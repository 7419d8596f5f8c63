using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Gallery.TestKit.ObjectStorage;

/// <summary>
/// A server from the npm registry, of a pinned version, in a process of its own on a loopback port. It is installed when it is used first, into
/// <c>~/.cache/gallery/tools</c> (<c>GALLERY_TOOLS</c> names another folder).
/// </summary>
public abstract class NpmServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("gallery-objects-").FullName;
    private Process? _process;

    /// <summary>Its port.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>Installs the server if need be, starts it, and waits until it listens.</summary>
    /// <param name="package">The package.</param>
    /// <param name="version">Its version.</param>
    /// <param name="program">The program of the package.</param>
    /// <param name="arguments">Its arguments, made from its port and its data folder.</param>
    protected async Task StartAsync(string package, string version, string program, Func<string, string, string[]> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var folder = await InstallAsync(package, version);
        var start = new ProcessStartInfo(
            "node",
            [Path.Combine(folder, "node_modules", ".bin", program), .. arguments(Port.ToString(CultureInfo.InvariantCulture), _folder)]
        )
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        _ = _process.StandardOutput.ReadToEndAsync();
        var errors = _process.StandardError.ReadToEndAsync();
        await Eventually.Async(
            async () =>
            {
                if (_process.HasExited)
                {
                    throw new InvalidOperationException($"{program} did not start: {await errors}");
                }

                return await IsListeningAsync();
            },
            StartLimit,
            program
        );
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _process = null;
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }

        GC.SuppressFinalize(this);
    }

    private static async Task<string> InstallAsync(string package, string version)
    {
        var tools =
            Environment.GetEnvironmentVariable("GALLERY_TOOLS")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "gallery", "tools");
        var folder = Path.Combine(tools, $"{package}-{version}");
        if (Directory.Exists(folder))
        {
            return folder;
        }

        // Made beside and renamed: what is there is complete, and of two that install at once one is in time.
        var draft = $"{folder}.{Guid.NewGuid():N}";
        Directory.CreateDirectory(draft);
        string[] arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", draft, $"{package}@{version}"];
        using var npm =
            Process.Start(new ProcessStartInfo("npm", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("npm did not start.");
        var output = npm.StandardOutput.ReadToEndAsync();
        var errors = await npm.StandardError.ReadToEndAsync();
        await npm.WaitForExitAsync();
        if (npm.ExitCode != 0)
        {
            throw new InvalidOperationException($"npm could not install {package}@{version}: {errors}{await output}");
        }

        try
        {
            Directory.Move(draft, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            Directory.Delete(draft, recursive: true);
        }

        return folder;
    }

    private async Task<bool> IsListeningAsync()
    {
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void OnProcessExit(object? sender, EventArgs arguments) => _process?.Kill();
}
