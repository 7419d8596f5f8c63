using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gallery.Cli.Endpoints;

/// <summary>
/// Where the services are. An environment variable (<c>GALLERY_CATALOG_URL</c> and its like) comes first, then <c>endpoints.json</c> in the
/// folder that <c>GALLERY_DATA</c> names, then the addresses that a gallery on this machine has by default.
/// </summary>
internal sealed record ServiceEndpoints(string Identity, string Catalog, string Sharing, string Replication, string Billing)
{
    /// <summary>The file in the data folder that a started gallery writes its addresses to.</summary>
    public const string FileName = "endpoints.json";

    private static readonly ServiceEndpoints Defaults = new(
        "http://127.0.0.1:7310",
        "http://127.0.0.1:7321",
        "http://127.0.0.1:7331",
        "http://127.0.0.1:7341",
        "http://127.0.0.1:7351"
    );

    /// <summary>Finds the addresses.</summary>
    /// <exception cref="CommandFailure">The file can't be read, or an address is not one.</exception>
    public static ServiceEndpoints Find(Surroundings surroundings)
    {
        var written = Read(surroundings.Setting("GALLERY_DATA"));
        return new ServiceEndpoints(
            Choose("IDENTITY", written.Identity, Defaults.Identity),
            Choose("CATALOG", written.Catalog, Defaults.Catalog),
            Choose("SHARING", written.Sharing, Defaults.Sharing),
            Choose("REPLICATION", written.Replication, Defaults.Replication),
            Choose("BILLING", written.Billing, Defaults.Billing)
        );

        string Choose(string service, string? fromFile, string byDefault)
        {
            var variable = $"GALLERY_{service}_URL";
            var url = surroundings.Setting(variable) ?? fromFile ?? byDefault;
            return Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                ? url.TrimEnd('/')
                : throw CommandFailure.Usage(
                    $"The address of the {service.ToLowerInvariant()} service is not an http or https URL: '{url}'.",
                    $"Correct {variable} or {FileName}."
                );
        }
    }

    private static EndpointsFile Read(string? folder)
    {
        var path = Path.Combine(folder ?? "", FileName);
        if (folder is null || !File.Exists(path))
        {
            return new EndpointsFile();
        }

        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize(stream, EndpointsJson.Default.EndpointsFile) ?? new EndpointsFile();
        }
        catch (JsonException malformed)
        {
            throw CommandFailure.Failed(
                $"{path} is not readable: {malformed.Message}",
                "Start the gallery again, or remove the file.",
                malformed
            );
        }
    }
}

/// <summary>What <c>endpoints.json</c> holds.</summary>
internal sealed record EndpointsFile(
    string? Identity = null,
    string? Catalog = null,
    string? Sharing = null,
    string? Replication = null,
    string? Billing = null
);

/// <summary>Reads <see cref="EndpointsFile"/> without reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EndpointsFile))]
internal sealed partial class EndpointsJson : JsonSerializerContext;
