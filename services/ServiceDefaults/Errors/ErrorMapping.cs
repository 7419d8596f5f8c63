using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Resilience;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Gallery.ServiceDefaults.Errors;

/// <summary>What a caller is told of an exception that a handler let go.</summary>
internal static class ErrorMapping
{
    private const string DependencyKey = "gallery.dependency";
    private const string ServerLibrary = "Grpc.AspNetCore.Server";

    /// <summary>Marks an error as the answer of a service that was called, not as one for our own caller.</summary>
    public static void MarkAsAnswerOf(this RpcException error, string service) => error.Data[DependencyKey] = service;

    /// <summary>Maps an exception to the error that the caller gets, and tells whether it is a defect that has to be logged.</summary>
    public static (RpcException Error, bool Defect) Map(Exception exception, string requestId, CancellationToken callEnded) =>
        exception switch
        {
            // The caller gave up, or its deadline passed (the library then answers DEADLINE_EXCEEDED by itself): a consequence, no defect.
            _ when callEnded.IsCancellationRequested => (Cancelled(), false),
            RpcException { Data: var data } answer when data[DependencyKey] is string service => MapAnswer(answer, service, requestId),
            RpcException own => MapOwn(own, requestId),
            _ when Transient.IsStoreAway(exception) => (GalleryError.DependencyUnavailable("redis"), false),
            BrokenCircuitException or TimeoutRejectedException => (GalleryError.DependencyUnavailable("a dependency"), false),
            InvalidProtocolBufferException => (Malformed(), false),
            OperationCanceledException => (GalleryError.DependencyUnavailable("a dependency"), false),
            _ => (Internal(requestId), true),
        };

    /// <summary>INVALID_ARGUMENT: the bytes of the request are no message of its type.</summary>
    public static RpcException Malformed() =>
        GalleryError.Create(StatusCode.InvalidArgument, ErrorReason.InvalidParameter, "The request is not a valid message of its type.");

    /// <summary>INTERNAL: a defect of the gallery.</summary>
    public static RpcException Internal(string requestId) =>
        GalleryError.Create(
            StatusCode.Internal,
            ErrorReason.InternalError,
            $"The gallery failed to handle the request. Quote request id '{requestId}' to the operator, who finds it in the logs.",
            new RequestInfo { RequestId = requestId }
        );

    private static (RpcException Error, bool Defect) MapOwn(RpcException own, string requestId)
    {
        if (GalleryError.InfoOf(own) is not null)
        {
            return (own, false);
        }

        var reading = own.Source == ServerLibrary; // The library reads a stream of messages from the caller.
        return own.StatusCode switch
        {
            StatusCode.Internal or StatusCode.Unknown => reading ? (Malformed(), false) : (Internal(requestId), true),
            StatusCode.Unavailable or StatusCode.DeadlineExceeded when !reading => (
                GalleryError.DependencyUnavailable("a dependency"),
                false
            ),
            // What the generated base class of a service answers for an rpc that is not overridden.
            StatusCode.Unimplemented => (GalleryError.NotSupportedYet("This rpc is part of the contract and not built yet."), false),
            _ => (own, false),
        };
    }

    private static (RpcException Error, bool Defect) MapAnswer(RpcException answer, string service, string requestId)
    {
        var ours = GalleryError.ReasonOf(answer) != ErrorReason.Unspecified;
        return answer.StatusCode switch
        {
            StatusCode.Unavailable or StatusCode.ResourceExhausted when ours => (answer, false),
            StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled => (
                GalleryError.DependencyUnavailable(service),
                false
            ),
            // Our own credentials were refused: nothing that the caller could mend, and no defect of the software.
            StatusCode.Unauthenticated or StatusCode.PermissionDenied => (GalleryError.ServiceCredentialsRefused(service), false),
            StatusCode.Internal or StatusCode.Unknown => (Internal(requestId), true),
            _ => ours ? (answer, false) : (Internal(requestId), true),
        };
    }

    private static RpcException Cancelled() => new(new Grpc.Core.Status(StatusCode.Cancelled, "The call was cancelled."));
}
