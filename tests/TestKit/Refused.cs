using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Xunit;

namespace Gallery.TestKit;

/// <summary>An error as a client of the gallery sees it.</summary>
public sealed class Refused
{
    private readonly Google.Rpc.Status _status;

    private Refused(RpcException error)
    {
        Error = error;
        _status = error.GetRpcStatus() ?? new Google.Rpc.Status();
    }

    /// <summary>The exception.</summary>
    public RpcException Error { get; }

    /// <summary>The message for people.</summary>
    public string Message => Error.Status.Detail;

    /// <summary>The facts for programs.</summary>
    public IReadOnlyDictionary<string, string> Metadata => Detail<ErrorInfo>().Metadata.ToDictionary();

    /// <summary>The fields that were wrong.</summary>
    public IReadOnlyList<string> Fields => [.. Detail<BadRequest>().FieldViolations.Select(violation => violation.Field)];

    /// <summary>Checks that a call is refused with a status code and a reason of the gallery.</summary>
    public static async Task<Refused> WithAsync(Func<Task> call, StatusCode code, ErrorReason reason)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(
            error.StatusCode == code && GalleryError.ReasonOf(error) == reason,
            $"Expected {code} {reason}, got {error.StatusCode} {GalleryError.ReasonOf(error)}: {error.Status.Detail}"
        );
        return new Refused(error);
    }

    /// <summary>Checks that a unary call is refused.</summary>
    public static Task<Refused> WithAsync<TResponse>(Func<AsyncUnaryCall<TResponse>> call, StatusCode code, ErrorReason reason) =>
        WithAsync(async () => await call(), code, reason);

    /// <summary>Checks that a call that streams answers is refused, at its beginning or later.</summary>
    public static Task<Refused> WithAsync<TResponse>(Func<AsyncServerStreamingCall<TResponse>> call, StatusCode code, ErrorReason reason) =>
        WithAsync(
            async () =>
            {
                using var stream = call();
                while (await stream.ResponseStream.MoveNext(CancellationToken.None))
                {
                    // Whatever comes before the refusal does not matter here.
                }
            },
            code,
            reason
        );

    /// <summary>What was wrong with a field.</summary>
    public string Field(string field) =>
        Assert.Single(Detail<BadRequest>().FieldViolations, violation => violation.Field == field).Description;

    /// <summary>A detail of the error.</summary>
    public T Detail<T>()
        where T : class, IMessage<T>, new() =>
        _status.GetDetail<T>() ?? throw new Xunit.Sdk.XunitException($"The error carries no {typeof(T).Name}.");
}
