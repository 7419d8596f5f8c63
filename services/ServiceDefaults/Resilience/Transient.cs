using System.Net.Sockets;
using Grpc.Core;
using Polly.CircuitBreaker;
using Polly.Timeout;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Resilience;

/// <summary>Which errors go away by themselves.</summary>
public static class Transient
{
    /// <summary>Whether an error says that a service or store could not be reached or did not answer in time.</summary>
    /// <param name="error">The error.</param>
    public static bool IsTransient(Exception error) =>
        error switch
        {
            RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded } => true,
            _ when IsStoreAway(error) => true,
            TimeoutRejectedException or HttpRequestException or SocketException => true,
            _ => false,
        };

    /// <summary>Whether an error says that Redis can't be reached, or can't work at the moment.</summary>
    /// <param name="error">The error.</param>
    public static bool IsStoreAway(Exception error) =>
        error switch
        {
            RedisConnectionException or RedisTimeoutException => true,
            RedisServerException server => server.Kind
                is RedisErrorKind.Loading
                    or RedisErrorKind.Busy
                    or RedisErrorKind.ClusterDown
                    or RedisErrorKind.MasterDown
                    or RedisErrorKind.TryAgain
                    or RedisErrorKind.NoReplicas
                    or RedisErrorKind.ReadOnly
                    or RedisErrorKind.Misconfigured
                    or RedisErrorKind.OutOfMemory
                    or RedisErrorKind.MaxClients,
            _ => false,
        };

    /// <summary>Whether an error says that something is away: a transient error, or a circuit that is open because of such.</summary>
    /// <param name="error">The error.</param>
    public static bool IsUnavailable(Exception error) => IsTransient(error) || error is BrokenCircuitException;
}
