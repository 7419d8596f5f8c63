using Gallery.Contracts.Region.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Gallery.Region.Node;

/// <summary>
/// Refuses calls about uploads and imports until those that the node has were read: one that is not known yet must not be taken for a new one, and
/// begun again in the place of what is there.
/// </summary>
internal sealed class UploadsReadInterceptor(StoreLoader loader) : Interceptor
{
    private static readonly string[] Guarded = [$"/{UploadService.Descriptor.FullName}/", $"/{ImportService.Descriptor.FullName}/"];

    /// <inheritdoc/>
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        Check(context);
        return continuation(request, context);
    }

    /// <inheritdoc/>
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        Check(context);
        return continuation(requestStream, context);
    }

    private void Check(ServerCallContext context)
    {
        if (Array.Exists(Guarded, service => context.Method.StartsWith(service, StringComparison.Ordinal)))
        {
            loader.RequireUploads();
        }
    }
}
