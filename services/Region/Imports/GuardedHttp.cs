using System.Net;
using System.Net.Sockets;

namespace Gallery.Region.Imports;

/// <summary>
/// The client by which files are fetched. It connects only to addresses that are allowed, and looks at the very address that it connects to, so
/// that a name which resolves to another one a moment later gains nothing. It follows no redirect by itself and uses no proxy.
/// </summary>
internal sealed class GuardedHttp : IDisposable
{
    private readonly HostRules _rules;

    /// <summary>Makes the client.</summary>
    public GuardedHttp(HostRules rules)
    {
        _rules = rules;
        Client = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = TimeSpan.FromSeconds(10),
                PooledConnectionLifetime = TimeSpan.FromMinutes(2),
                ConnectCallback = ConnectAsync,
                // An address with its signature is no matter for traces.
                ActivityHeadersPropagator = null,
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>The client.</summary>
    public HttpClient Client { get; }

    /// <inheritdoc/>
    public void Dispose() => Client.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
        var allowed = _rules.MayBePrivate(host, port) ? addresses : Array.FindAll(addresses, AddressRules.IsPublic);
        if (allowed.Length == 0 && addresses.Length > 0)
        {
            throw ImportErrors.NotAllowed(
                $"the host '{host}' is not on the public internet. An operator can allow it: Imports:PrivateHosts of the region."
            );
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
