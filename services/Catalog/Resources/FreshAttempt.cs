using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Catalog.Resources;

/// <summary>
/// Read, decide, write: the write is one atomic step that checks what the decision rested on. When another call got in between, all of it
/// is done again, so that the caller gets the error, or the result, of what is there now.
/// </summary>
internal static class FreshAttempt
{
    private const int MostAttempts = 20;

    /// <summary>Repeats an attempt until what it rested on held.</summary>
    /// <typeparam name="T">The outcome.</typeparam>
    /// <param name="name">The resource that is changed.</param>
    /// <param name="attempt">
    /// Given the error that its checks must throw when what was read is not true any more.
    /// </param>
    /// <exception cref="RpcException">ABORTED: others changed the resource each time.</exception>
    public static async Task<T> RunAsync<T>(string name, Func<Func<RpcException>, Task<T>> attempt)
    {
        for (var number = 1; number <= MostAttempts; number++)
        {
            var stale = GalleryError.OperationNotAllowed(name, "other changes got in between.");
            try
            {
                return await attempt(() => stale);
            }
            catch (RpcException refused) when (ReferenceEquals(refused, stale) && number < MostAttempts)
            {
                await Task.Delay(Random.Shared.Next(number * 2));
            }
        }

        throw new InvalidOperationException("The last attempt returns or throws.");
    }
}
