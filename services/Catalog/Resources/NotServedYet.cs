using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Gallery.Catalog.Resources;

/// <summary>Marks a gRPC service of the contract that is not built yet.</summary>
/// <param name="message">What does not work, and what to do instead.</param>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NotServedYetAttribute(string message) : Attribute
{
    public string Message => message;
}

/// <summary>Answers every call of a service marked with <see cref="NotServedYetAttribute"/> with UNIMPLEMENTED and its message.</summary>
internal sealed class NotServedYetInterceptor : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        Check(context);
        return continuation(request, context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        Check(context);
        return continuation(request, responseStream, context);
    }

    private static void Check(ServerCallContext context)
    {
        if (context.GetHttpContext().GetEndpoint()?.Metadata.GetMetadata<NotServedYetAttribute>() is { } mark)
        {
            throw GalleryError.NotSupportedYet(mark.Message);
        }
    }
}

/// <summary>Registers the interceptor.</summary>
internal static class NotServedYetExtensions
{
    public static WebApplicationBuilder AddNotServedYet(this WebApplicationBuilder builder)
    {
        builder.Services.AddGrpc(options => options.Interceptors.Add<NotServedYetInterceptor>());
        return builder;
    }
}
