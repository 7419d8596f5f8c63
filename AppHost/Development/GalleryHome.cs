using System.Globalization;
using System.Text.Json;

namespace Gallery.AppHost.Development;

/// <summary>
/// Where an installation on one machine lives: its data folder (setting `DataPath`, `.data` at the top of the repository by default) and
/// its ports (from `PortBase`, 7300 by default).
/// </summary>
internal sealed class GalleryHome
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly string _dataPath;
    private readonly int _portBase;

    private GalleryHome(string dataPath, int portBase, IReadOnlyList<RegionSettings> regions, string appendFsync)
    {
        _dataPath = dataPath;
        _portBase = portBase;
        Regions = regions;
        AppendFsync = appendFsync;
        Secrets = new DevelopmentSecrets(Folder("secrets"));
    }

    public IReadOnlyList<RegionSettings> Regions { get; }

    public DevelopmentSecrets Secrets { get; }

    /// <summary>When Redis writes to disk: `always` keeps every acknowledged write, `everysec` may lose a second. Setting `Redis:AppendFsync`.</summary>
    public string AppendFsync { get; }

    /// <summary>The first line that is printed: which of the two worlds this is.</summary>
    public static string Mode(Type application) =>
        application.Namespace == "Aspire.Hosting"
            ? $"Gallery, run by .NET Aspire {application.Assembly.GetName().Version?.ToString(3)}"
            : "Gallery, run by its local layer: the same composition as plain processes, without .NET Aspire";

    public static GalleryHome Open(ConfigurationManager configuration, string appHostDirectory)
    {
        var dataPath = Path.GetFullPath(
            configuration["DataPath"] is { Length: > 0 } path ? path : ".data",
            Path.GetFullPath("..", appHostDirectory)
        );
        var portBase = configuration.GetValue("PortBase", 7300);
        var regions = configuration.GetSection("Regions").Get<List<RegionSettings>>() ?? [];
        if (RegionSettings.WrongIn(regions) is { Count: > 0 } wrong)
        {
            throw Refuse($"The regions of the configuration can't be used:{string.Concat(wrong.Select(line => $"\n  {line}"))}");
        }

        PrivateFile.CreateFolder(dataPath);
        RequireAlone(dataPath);

        var home = new GalleryHome(dataPath, portBase, regions, configuration.GetValue("Redis:AppendFsync", "always")!);
        var pidFile = home.Folder("run", "apphost.pid");
        PrivateFile.Write(pidFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(pidFile);
        PrivateFile.Write(home.Folder("run", "welcome"), home.Welcome());
        PrivateFile.Write(home.Folder("run", "health-ports"), home.HealthPorts());
        PrivateFile.Write(home.Folder("endpoints.json"), home.Endpoints());

        // The dashboard, or the local page, its receiver of telemetry and its resource service, unless the environment says otherwise.
        configuration["DataPath"] = dataPath;
        configuration["LocalHosting:Welcome"] = home.Welcome();
        configuration["ASPNETCORE_URLS"] ??= home.Url("127.0.0.1", 60);
        configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ??= home.Url("127.0.0.1", 61);
        configuration["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] ??= home.Url("127.0.0.1", 62);
        configuration["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] ??= "true";
        return home;
    }

    /// <summary>Ends the AppHost with a sentence instead of a stack trace: what is wrong can be mended by a person.</summary>
    public static Exception Refuse(string message)
    {
        Console.Error.WriteLine(message);
        Environment.Exit(1);
        return new InvalidOperationException(message);
    }

    public int Port(int offset) => _portBase + offset;

    public string Folder(params string[] parts) => Path.Combine([_dataPath, .. parts]);

    private string Url(string host, int offset) => string.Create(CultureInfo.InvariantCulture, $"http://{host}:{Port(offset)}");

    /// <summary>Addresses for the command line, which finds the running installation by them.</summary>
    private string Endpoints() =>
        JsonSerializer.Serialize(
            new Dictionary<string, string>
            {
                ["identity"] = Url("localhost", 10),
                ["catalog"] = Url("localhost", 21),
                ["sharing"] = Url("localhost", 31),
                ["replication"] = Url("localhost", 41),
                ["billing"] = Url("localhost", 51),
                ["dashboard"] = Url("localhost", 60),
            },
            Json
        );

    /// <summary>Ports that answer GET /health, for a script that waits for all of them.</summary>
    private string HealthPorts() =>
        string.Concat(Regions.Select((_, index) => 100 + (2 * index)).Concat([10, 20, 30, 40, 50]).Select(offset => $"{Port(offset)}\n"));

    private string Welcome()
    {
        var isDefault = Path.GetFileName(_dataPath) == ".data";
        var gallery = isDefault ? "./gallery" : $"GALLERY_DATA={_dataPath} ./gallery";
        var names = string.Join(", ", DevelopmentPrincipals.All.Skip(1).Select(principal => principal.Name));
        return $"""
            sign in   {gallery} login --as owner        (or {names})
            token     {gallery} token
            use it    {gallery} --help
            call it   buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $({gallery} token)" \
                        -d '{"{"}"parent":"subscriptions/{DevelopmentPrincipals.All[0].SubscriptionId}"{"}"}' {Url(
                "localhost",
                21
            )}/gallery.catalog.v1.GalleryService/ListGalleries
            data      {_dataPath}
            end it    ./start --stop{(isDefault ? "" : $" --data {_dataPath}")}
            """;
    }

    /// <summary>Two hosts on one folder would overwrite each other's files.</summary>
    private static void RequireAlone(string dataPath)
    {
        var file = Path.Combine(dataPath, "run", "apphost.pid");
        if (
            File.Exists(file)
            && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var pid)
            && pid != Environment.ProcessId
        )
        {
            var command = $"/proc/{pid}/cmdline";
            if (File.Exists(command) && File.ReadAllText(command).Contains("Gallery.AppHost", StringComparison.Ordinal))
            {
                throw Refuse($"The gallery on {dataPath} is running already, as process {pid}. ./start --stop ends it.");
            }
        }
    }
}
