using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>A stream of answers whose errors are marked as the answer of the service that it comes from.</summary>
internal sealed class MarkedStream<T>(IAsyncStreamReader<T> stream, string service) : IAsyncStreamReader<T>
{
    public T Current => stream.Current;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            return await stream.MoveNext(cancellationToken);
        }
        catch (RpcException error)
        {
            error.MarkAsAnswerOf(service);
            throw;
        }
    }
}
