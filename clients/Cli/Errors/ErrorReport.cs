using System.Net.Sockets;
using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace Gallery.Cli.Errors;

/// <summary>A refusal as it is told to people and scripts, whatever it came from.</summary>
internal sealed record ErrorReport
{
    /// <summary>One of <see cref="Cli.ExitCode"/>.</summary>
    public required int ExitCode { get; init; }

    /// <summary>What happened, a sentence.</summary>
    public required string Message { get; init; }

    /// <summary>The gRPC status code in its wire spelling, <c>NOT_FOUND</c> for example; null when no service was involved.</summary>
    public string? Code { get; init; }

    /// <summary>The gallery's reason, <c>ResourceNotFound</c> for example; null when none was sent.</summary>
    public string? Reason { get; init; }

    /// <summary>What the reason refers to: <c>current</c> and <c>requested</c> of a refused change, and the like.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata { get; init; } = [];

    /// <summary>Which field is wrong and what it accepts; also violated preconditions and quotas, by their subject.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Violations { get; init; } = [];

    /// <summary>When to try again, when the service said so.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The id that finds a defect in the logs.</summary>
    public string? RequestId { get; init; }

    /// <summary>What to do about it.</summary>
    public string? Advice { get; init; }

    /// <summary>Tells what an exception means to the person who typed the command.</summary>
    /// <param name="exception">Whatever ended the command.</param>
    /// <param name="interrupted">True when Ctrl-C was pressed.</param>
    public static ErrorReport From(Exception exception, bool interrupted = false) =>
        exception switch
        {
            _ when interrupted && IsCancellation(exception) => new() { ExitCode = Cli.ExitCode.Interrupted, Message = "Interrupted." },
            CommandFailure failure => new()
            {
                ExitCode = failure.ExitCode,
                Message = failure.Message,
                Advice = failure.Advice,
            },
            RpcException refused => FromRpc(refused),
            AggregateException { InnerExceptions: [var only] } => From(only, interrupted),
            HttpRequestException or SocketException or TimeoutException => new()
            {
                ExitCode = Cli.ExitCode.Unavailable,
                Message = exception.Message,
            },
            OperationCanceledException => new() { ExitCode = Cli.ExitCode.Unavailable, Message = "No answer in time." },
            IOException or UnauthorizedAccessException => new() { ExitCode = Cli.ExitCode.Refused, Message = exception.Message },
            _ => new()
            {
                ExitCode = Cli.ExitCode.Refused,
                Message = $"A defect of this program: {exception.GetType().Name}: {exception.Message}",
                Advice = "Set GALLERY_DEBUG=1 to see where, and report it.",
            },
        };

    private static bool IsCancellation(Exception exception) =>
        exception is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled or StatusCode.DeadlineExceeded };

    private static ErrorReport FromRpc(RpcException refused)
    {
        var status = refused.GetRpcStatus();
        var info = status?.GetDetail<ErrorInfo>();
        var callee = Callee.Of(refused);
        var report = new ErrorReport
        {
            ExitCode = ExitCodeOf(refused.StatusCode),
            Code = CodeName(refused.StatusCode),
            Message = info is null ? PlainMessage(refused, callee) : refused.Status.Detail,
            Reason = info?.Reason,
            Metadata = info is null ? [] : [.. info.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)],
            Violations = ViolationsOf(status),
            RetryAfter = status?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan(),
            RequestId = status?.GetDetail<RequestInfo>()?.RequestId,
        };
        return report with { Advice = Advices.For(report, callee) };
    }

    private static int ExitCodeOf(StatusCode code) =>
        code switch
        {
            StatusCode.Unauthenticated => Cli.ExitCode.NotSignedIn,
            StatusCode.Unavailable or StatusCode.DeadlineExceeded => Cli.ExitCode.Unavailable,
            _ => Cli.ExitCode.Refused,
        };

    /// <summary>What to say when the answer did not come from one of the gallery's services, or from an old one.</summary>
    private static string PlainMessage(RpcException refused, Callee? callee) =>
        refused.StatusCode switch
        {
            StatusCode.Unavailable when callee is not null => $"The {callee.Service} service does not answer at {callee.Url}.",
            StatusCode.DeadlineExceeded when callee is not null => $"The {callee.Service} service at {callee.Url} did not answer in time.",
            StatusCode.Unauthenticated => "The token is not accepted: it is missing, expired, or from an issuer that is not trusted.",
            StatusCode.Unimplemented when callee is not null =>
                $"What answers at {callee.Url} is not the {callee.Service} service, or is of another version.",
            _ when refused.Status.Detail is { Length: > 0 } detail => detail,
            _ => $"The call ended with {CodeName(refused.StatusCode)}.",
        };

    private static List<KeyValuePair<string, string>> ViolationsOf(Status? status)
    {
        var found = new List<KeyValuePair<string, string>>();
        if (status?.GetDetail<BadRequest>() is { } bad)
        {
            found.AddRange(bad.FieldViolations.Select(v => KeyValuePair.Create(v.Field, v.Description)));
        }

        if (status?.GetDetail<PreconditionFailure>() is { } unmet)
        {
            found.AddRange(unmet.Violations.Select(v => KeyValuePair.Create(v.Subject, v.Description)));
        }

        if (status?.GetDetail<QuotaFailure>() is { } quota)
        {
            found.AddRange(quota.Violations.Select(v => KeyValuePair.Create(v.Subject, v.Description)));
        }

        return found;
    }

    private static string CodeName(StatusCode code) =>
        code switch
        {
            StatusCode.OK => "OK",
            StatusCode.Cancelled => "CANCELLED",
            StatusCode.InvalidArgument => "INVALID_ARGUMENT",
            StatusCode.DeadlineExceeded => "DEADLINE_EXCEEDED",
            StatusCode.NotFound => "NOT_FOUND",
            StatusCode.AlreadyExists => "ALREADY_EXISTS",
            StatusCode.PermissionDenied => "PERMISSION_DENIED",
            StatusCode.Unauthenticated => "UNAUTHENTICATED",
            StatusCode.ResourceExhausted => "RESOURCE_EXHAUSTED",
            StatusCode.FailedPrecondition => "FAILED_PRECONDITION",
            StatusCode.Aborted => "ABORTED",
            StatusCode.OutOfRange => "OUT_OF_RANGE",
            StatusCode.Unimplemented => "UNIMPLEMENTED",
            StatusCode.Internal => "INTERNAL",
            StatusCode.Unavailable => "UNAVAILABLE",
            StatusCode.DataLoss => "DATA_LOSS",
            _ => "UNKNOWN",
        };
}
