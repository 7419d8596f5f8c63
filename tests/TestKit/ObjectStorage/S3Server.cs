using System.Globalization;

namespace Gallery.TestKit.ObjectStorage;

/// <summary>S3 as s3rver plays it.</summary>
public sealed class S3Server : NpmServer
{
    /// <summary>The access key that every s3rver has, and the secret key besides.</summary>
    public const string AccessKey = "S3RVER";

    private S3Server() { }

    /// <summary>Where it is.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>Starts it.</summary>
    public static async Task<S3Server> StartAsync()
    {
        var server = new S3Server();
        await server.StartAsync(
            "s3rver",
            "3.7.1",
            "s3rver",
            (port, folder) => ["--directory", folder, "--address", "127.0.0.1", "--port", port, "--silent", "--no-vhost-buckets"]
        );
        return server;
    }
}
