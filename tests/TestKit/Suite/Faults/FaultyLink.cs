using System.Net;
using System.Net.Sockets;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>
/// The network between one server and everybody who is told the link's ports in place of its own: a TCP proxy that can be slowed, silenced,
/// cut and closed while the processes on both sides live on. It counts what really crosses it.
/// </summary>
public sealed class FaultyLink : IAsyncDisposable
{
    private const int BufferSize = 64 * 1024;
    private readonly List<TcpListener> _listeners = [];
    private readonly HashSet<Connection> _connections = [];
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _accepting;
    private readonly Pace _pace = new();
    private volatile State _state = State.Fine;
    private long _bytesFromServer;

    /// <summary>Opens it.</summary>
    /// <param name="ports">Each port that others are told, on the loopback, and the port of the server itself, which may not listen yet.</param>
    public FaultyLink(params IReadOnlyList<(int Port, int ServerPort)> ports)
    {
        foreach (var (port, _) in ports)
        {
            var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            _listeners.Add(listener);
        }

        _accepting = Task.WhenAll(_listeners.Zip(ports, (listener, pair) => AcceptAsync(listener, pair.ServerPort)));
    }

    private enum State
    {
        Fine,
        Silent,
        Closed,
    }

    /// <summary>Bytes that the server has sent through it so far, framing of the protocols included.</summary>
    public long BytesFromServer => Interlocked.Read(ref _bytesFromServer);

    /// <summary>Makes what the server sends slow: so many bytes a second over all connections, and a pause before each piece.</summary>
    public void Slow(long bytesPerSecond, TimeSpan pause = default) => _pace.Set(bytesPerSecond, pause);

    /// <summary>Connections can be made and stay open, and nothing passes any more: what a broken switch looks like from both sides.</summary>
    public void Silence() => _state = State.Silent;

    /// <summary>Breaks all connections and takes no new ones.</summary>
    public void Close()
    {
        _state = State.Closed;
        Cut();
    }

    /// <summary>Breaks all connections; new ones can be made.</summary>
    public void Cut()
    {
        lock (_connections)
        {
            foreach (var connection in _connections)
            {
                connection.Break();
            }
        }
    }

    /// <summary>Makes it as good as new. Connections that stalled go on.</summary>
    public void Restore()
    {
        _pace.Set(0, default);
        _state = State.Fine;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listeners.ForEach(listener => listener.Stop());
        Cut();
        await _accepting;
        _ending.Dispose();
    }

    private async Task AcceptAsync(TcpListener listener, int serverPort)
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptSocketAsync(_ending.Token), serverPort);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // Ended, or the caller was gone before it was taken.
            }
        }
    }

    private async Task ServeAsync(Socket caller, int serverPort)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var connection = new Connection(caller, server, _ending.Token);
        try
        {
            if (_state == State.Closed)
            {
                connection.Break();
                return;
            }

            caller.NoDelay = server.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, serverPort, connection.Ending);
            lock (_connections)
            {
                _connections.Add(connection);
            }

            await Task.WhenAll(
                PassAsync(connection, caller, server, fromServer: false),
                PassAsync(connection, server, caller, fromServer: true)
            );
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            connection.Break();
        }
        finally
        {
            lock (_connections)
            {
                _connections.Remove(connection);
            }
        }
    }

    private async Task PassAsync(Connection connection, Socket from, Socket to, bool fromServer)
    {
        var buffer = new byte[BufferSize];
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer, connection.Ending)) > 0)
            {
                await (fromServer ? _pace.WaitAsync(length, connection.Ending) : Task.CompletedTask);
                while (_state == State.Silent)
                {
                    await Task.Delay(10, connection.Ending);
                }

                for (var sent = 0; sent < length; )
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), connection.Ending);
                }

                Interlocked.Add(ref _bytesFromServer, fromServer ? length : 0);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A side that is gone is gone for the other one, too, and at once.
            connection.Break();
        }
    }

    private sealed class Connection(Socket caller, Socket server, CancellationToken ending) : IDisposable
    {
        private readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(ending);

        public CancellationToken Ending => _ending.Token;

        /// <summary>Resets both sides, so that what is on its way is lost.</summary>
        public void Break()
        {
            foreach (var socket in new[] { caller, server })
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                    socket.Dispose();
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
                {
                    // Broken already.
                }
            }

            try
            {
                _ending.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended meanwhile.
            }
        }

        public void Dispose()
        {
            caller.Dispose();
            _ending.Dispose();
        }
    }

    /// <summary>When the next piece may pass, for all connections together.</summary>
    private sealed class Pace
    {
        private readonly Lock _gate = new();
        private long _bytesPerSecond;
        private TimeSpan _pause;
        private DateTime _next;

        public void Set(long bytesPerSecond, TimeSpan pause)
        {
            lock (_gate)
            {
                (_bytesPerSecond, _pause, _next) = (bytesPerSecond, pause, default);
            }
        }

        public Task WaitAsync(int bytes, CancellationToken ending)
        {
            lock (_gate)
            {
                if (_bytesPerSecond == 0 && _pause == default)
                {
                    return Task.CompletedTask;
                }

                var now = DateTime.UtcNow;
                var wait = _pause;
                if (_bytesPerSecond > 0)
                {
                    _next = (_next > now ? _next : now) + TimeSpan.FromSeconds((double)bytes / _bytesPerSecond);
                    wait += _next - now;
                }

                return Task.Delay(wait, ending);
            }
        }
    }
}
