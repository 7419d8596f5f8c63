using System.Globalization;

namespace Gallery.TestKit.ObjectStorage;

/// <summary>Azure Blob Storage as Azurite plays it, in memory.</summary>
public sealed class AzuriteServer : NpmServer
{
    private const string Account = "devstoreaccount1";

    /// <summary>The key that every Azurite has; it is public.</summary>
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private AzuriteServer() { }

    /// <summary>How a client reaches it.</summary>
    public string ConnectionString =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint=http://127.0.0.1:{Port}/{Account};"
        );

    /// <summary>Starts it.</summary>
    public static async Task<AzuriteServer> StartAsync()
    {
        var server = new AzuriteServer();
        await server.StartAsync(
            "azurite",
            "3.37.0",
            "azurite-blob",
            (port, _) =>
                [
                    "--blobHost",
                    "127.0.0.1",
                    "--blobPort",
                    port,
                    "--inMemoryPersistence",
                    "--silent",
                    "--disableTelemetry",
                    "--skipApiVersionCheck",
                ]
        );
        return server;
    }
}
