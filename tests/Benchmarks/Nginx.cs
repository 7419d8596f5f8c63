using System.Diagnostics;
using Gallery.TestKit;

namespace Gallery.Benchmarks;

/// <summary>An nginx of our own that serves a folder, as Debian configures it: `sendfile` on.</summary>
internal sealed class Nginx : IDisposable
{
    private readonly Process _process;

    private Nginx(Process process, string url) => (_process, Url) = (process, url);

    public string Url { get; }

    public static async Task<Nginx> StartAsync(string folder)
    {
        var port = FreePort.Next();
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            daemon off;
            worker_processes auto;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/nginx.log;
            events { worker_connections 768; }
            http {
              sendfile on;
              tcp_nopush on;
              access_log off;
              client_body_temp_path {{folder}}/nginx-body;
              proxy_temp_path {{folder}}/nginx-proxy;
              fastcgi_temp_path {{folder}}/nginx-fastcgi;
              uwsgi_temp_path {{folder}}/nginx-uwsgi;
              scgi_temp_path {{folder}}/nginx-scgi;
              server { listen 127.0.0.1:{{port}}; root {{folder}}; }
            }
            """
        );
        // Its workers run as another user, who must be able to read.
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.OtherRead);
        var process = Process.Start(new ProcessStartInfo("nginx", ["-c", configuration, "-p", folder]))!;
        using var http = new HttpClient();
        await Eventually.Async(
            async () =>
            {
                try
                {
                    using var answer = await http.GetAsync($"http://127.0.0.1:{port}/");
                    return true;
                }
                catch (HttpRequestException) when (!process.HasExited)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(10)
        );
        return new Nginx(process, $"http://127.0.0.1:{port}");
    }

    public void Dispose()
    {
        using (var quit = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
        {
            quit.WaitForExit();
        }

        _process.WaitForExit();
        _process.Dispose();
    }
}
