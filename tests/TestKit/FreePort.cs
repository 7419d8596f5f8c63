using System.Net;
using System.Net.Sockets;

namespace Gallery.TestKit;

/// <summary>Finds ports for servers that have to be told theirs.</summary>
public static class FreePort
{
    // Below the range that the system takes the ports of outgoing connections from: one of those could be faster than the server.
    private const int First = 20_000;
    private const int Last = 32_000;

    /// <summary>A loopback port that nobody listens on.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = Random.Shared.Next(First, Last);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: another one.
            }
        }
    }
}
