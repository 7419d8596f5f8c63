using Gallery.ServiceDefaults.Redis;
using Grpc.Core;

namespace Gallery.Replication;

/// <summary>What the stores of this service have in common.</summary>
internal static class StoreExtensions
{
    /// <summary>Carries out a mutation that may lose a race. False when its checks failed with the error that stands for the race.</summary>
    /// <param name="redis">The store.</param>
    /// <param name="mutation">The mutation.</param>
    /// <param name="lost">The very error that the racing checks were added with.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<bool> TryExecuteAsync(
        this RedisStore redis,
        RedisMutation mutation,
        RpcException lost,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await redis.ExecuteAsync(mutation, cancellationToken);
            return true;
        }
        catch (RpcException refused) when (ReferenceEquals(refused, lost))
        {
            return false;
        }
    }
}
