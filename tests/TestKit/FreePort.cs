using System.Net;
using System.Net.Sockets;

namespace Gallery.TestKit;

/// <summary>Finds ports for servers that have to be told theirs.</summary>
public static class FreePort
{
    /// <summary>A loopback port that nobody listens on.</summary>
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
