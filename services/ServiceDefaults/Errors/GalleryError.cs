using System.Globalization;
using Gallery.Contracts.Common.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Errors;

/// <summary>
/// Makes the errors that callers see: a status code, a message, and <c>google.rpc</c> details from which a program can mend its request.
/// Every error carries an <see cref="ErrorInfo"/> with the domain <c>gallery</c> and a reason of <see cref="ErrorReason"/>.
/// </summary>
public static class GalleryError
{
    /// <summary>The domain of every <see cref="ErrorInfo"/> of the gallery.</summary>
    public const string Domain = "gallery";

    // Details travel in HTTP/2 trailers, which peers bound to a few KiB: whatever a caller sent is cut before it is quoted back.
    private const int LongestText = 512;
    private const int MostDetails = 16;

    private static readonly TimeSpan ShortRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OperatorRetry = TimeSpan.FromMinutes(1);

    /// <summary>INVALID_ARGUMENT: one field is malformed or out of range.</summary>
    /// <param name="field">Path of the field in the request, <c>gallery.location</c> for example.</param>
    /// <param name="description">What the field accepts.</param>
    public static RpcException InvalidParameter(string field, string description) => InvalidParameter((field, description));

    /// <summary>INVALID_ARGUMENT: some fields are malformed or out of range.</summary>
    /// <param name="violations">Each wrong field with what it accepts.</param>
    public static RpcException InvalidParameter(params (string Field, string Description)[] violations)
    {
        ArgumentNullException.ThrowIfNull(violations);
        var details = new BadRequest();
        foreach (var (field, description) in violations.Take(MostDetails))
        {
            details.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = Shorten(field), Description = Shorten(description) });
        }

        var message = string.Join("; ", violations.Take(3).Select(v => Shorten($"{v.Field}: {v.Description}", LongestText / 4)));
        var more = violations.Length > 3 ? string.Create(CultureInfo.InvariantCulture, $" (and {violations.Length - 3} more)") : "";
        return Create(StatusCode.InvalidArgument, ErrorReason.InvalidParameter, message + more, details);
    }

    /// <summary>NOT_FOUND: there is no such resource.</summary>
    /// <param name="resourceType">What it is for a person: <c>gallery</c>, <c>image version</c>.</param>
    /// <param name="name">Its resource name.</param>
    public static RpcException NotFound(string resourceType, string name) =>
        Create(
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound,
            $"The {resourceType} '{Shorten(name)}' was not found.",
            About(resourceType, name)
        );

    /// <summary>NOT_FOUND: the resource that should hold the new one does not exist.</summary>
    /// <param name="resourceType">What the parent is for a person.</param>
    /// <param name="name">The parent's resource name.</param>
    public static RpcException ParentNotFound(string resourceType, string name) =>
        Create(
            StatusCode.NotFound,
            ErrorReason.ParentResourceNotFound,
            $"The parent {resourceType} '{Shorten(name)}' was not found. Create it first.",
            About(resourceType, name)
        );

    /// <summary>ALREADY_EXISTS: the name is taken.</summary>
    /// <param name="resourceType">What it is for a person.</param>
    /// <param name="name">Its resource name.</param>
    public static RpcException AlreadyExists(string resourceType, string name) =>
        Create(
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists,
            $"The {resourceType} '{Shorten(name)}' exists already.",
            About(resourceType, name)
        );

    /// <summary>FAILED_PRECONDITION: a property that is fixed once the resource exists would change.</summary>
    /// <param name="target">Path of the property.</param>
    /// <param name="current">Its value.</param>
    /// <param name="requested">The value that was asked for.</param>
    public static RpcException PropertyChangeNotAllowed(string target, string current, string requested) =>
        Create(
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed,
            $"Changing the property '{target}' is not allowed: it is '{Shorten(current)}' and '{Shorten(requested)}' was requested.",
            new Dictionary<string, string>
            {
                ["target"] = target,
                ["current"] = current,
                ["requested"] = requested,
            }
        );

    /// <summary>FAILED_PRECONDITION: the resource has children.</summary>
    /// <param name="name">The resource name.</param>
    /// <param name="children">Some of its children.</param>
    public static RpcException CannotDelete(string name, params string[] children)
    {
        ArgumentNullException.ThrowIfNull(children);
        var details = new PreconditionFailure();
        foreach (var child in children.Take(MostDetails))
        {
            details.Violations.Add(Violation("CHILD", child, "Must be deleted first."));
        }

        return Create(
            StatusCode.FailedPrecondition,
            ErrorReason.CannotDeleteResource,
            $"'{Shorten(name)}' can't be deleted while it holds other resources. Delete them first.",
            details
        );
    }

    /// <summary>RESOURCE_EXHAUSTED: a quota is used up.</summary>
    /// <param name="metric">What is counted, <c>galleries</c> for example.</param>
    /// <param name="limit">The most there may be.</param>
    /// <param name="current">How many there are.</param>
    /// <param name="scope">What the quota is counted over: <c>subscriptions/{s}/locations/{l}</c>.</param>
    public static RpcException QuotaExceeded(string metric, long limit, long current, string scope)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"The quota of {limit} {Shorten(metric)} is used up: there are {current} in '{Shorten(scope)}'."
        );
        var details = new QuotaFailure();
        details.Violations.Add(new QuotaFailure.Types.Violation { Subject = Shorten(scope), Description = Shorten(text) });
        var metadata = new Dictionary<string, string>
        {
            ["metric"] = metric,
            ["limit"] = limit.ToString(CultureInfo.InvariantCulture),
            ["current"] = current.ToString(CultureInfo.InvariantCulture),
        };
        return Create(StatusCode.ResourceExhausted, ErrorReason.QuotaExceeded, text, metadata, details);
    }

    /// <summary>ABORTED: another change of the resource is being carried out.</summary>
    /// <param name="name">The resource name.</param>
    /// <param name="why">What is going on.</param>
    public static RpcException OperationNotAllowed(string name, string why) =>
        Create(
            StatusCode.Aborted,
            ErrorReason.OperationNotAllowed,
            $"'{Shorten(name)}' can't be changed now: {why} Try again when its provisioning state has settled."
        );

    /// <summary>ABORTED: the etag sent is not the resource's any more.</summary>
    /// <param name="name">The resource name.</param>
    public static RpcException EtagMismatch(string name) =>
        Create(
            StatusCode.Aborted,
            ErrorReason.EtagMismatch,
            $"'{Shorten(name)}' was changed since its etag was read. Read it, apply the change again, send the new etag."
        );

    /// <summary>FAILED_PRECONDITION: the request id was used before with another request.</summary>
    /// <param name="requestId">The request id.</param>
    public static RpcException RequestIdReused(string requestId) =>
        Create(
            StatusCode.FailedPrecondition,
            ErrorReason.RequestIdReused,
            $"The request id '{Shorten(requestId)}' was used before with another request. Use a new one."
        );

    /// <summary>UNAUTHENTICATED: no token, or none that is accepted.</summary>
    /// <param name="message">What is wrong with the token.</param>
    public static RpcException AuthenticationFailed(string message) =>
        Create(StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed, message);

    /// <summary>PERMISSION_DENIED: no role assignment of the caller allows the action.</summary>
    /// <param name="action">The action, <c>Microsoft.Compute/galleries/write</c> for example.</param>
    /// <param name="scope">The resource it was to be done to.</param>
    public static RpcException AuthorizationFailed(string action, string scope) =>
        Denied(ErrorReason.AuthorizationFailed, action, scope, "The caller may not perform");

    /// <summary>PERMISSION_DENIED: the caller may not use a resource that the request refers to.</summary>
    /// <param name="action">The action.</param>
    /// <param name="scope">The resource referred to.</param>
    public static RpcException LinkedAuthorizationFailed(string action, string scope) =>
        Denied(
            ErrorReason.LinkedAuthorizationFailed,
            action,
            scope,
            "The request refers to a resource on which the caller may not perform"
        );

    /// <summary>FAILED_PRECONDITION: a lock forbids it.</summary>
    /// <param name="lockName">The lock.</param>
    /// <param name="scope">The scope that it is set on.</param>
    public static RpcException ScopeLocked(string lockName, string scope)
    {
        var details = new PreconditionFailure();
        details.Violations.Add(Violation("LOCK", scope, $"The lock '{lockName}' must be removed first."));
        return Create(
            StatusCode.FailedPrecondition,
            ErrorReason.ScopeLocked,
            $"The lock '{Shorten(lockName)}' on '{Shorten(scope)}' forbids it. Remove the lock first.",
            new Dictionary<string, string> { ["lock"] = lockName, ["scope"] = scope },
            details
        );
    }

    /// <summary>UNAVAILABLE: something that the call needs does not answer.</summary>
    /// <param name="reason">Which reason.</param>
    /// <param name="message">What does not answer.</param>
    /// <param name="retryAfter">When to try again.</param>
    public static RpcException Unavailable(ErrorReason reason, string message, TimeSpan retryAfter) =>
        Create(StatusCode.Unavailable, reason, message, new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) });

    /// <summary>UNAVAILABLE: a service or store does not answer.</summary>
    /// <param name="dependency">Its name.</param>
    public static RpcException DependencyUnavailable(string dependency) =>
        Unavailable(ErrorReason.DependencyUnavailable, $"'{dependency}' does not answer. Try again.", ShortRetry);

    /// <summary>UNAVAILABLE: a service refuses the credentials that this one calls it with, which no caller can mend.</summary>
    /// <param name="service">The service that refuses, or <c>identity</c>.</param>
    public static RpcException ServiceCredentialsRefused(string service) =>
        Create(
            StatusCode.Unavailable,
            ErrorReason.ServiceCredentialsRefused,
            $"'{Shorten(service)}' refuses the credentials that the gallery's services call each other with. This is a fault of the installation: "
                + "its operator has to check ServiceCredentials and Authentication of both services.",
            new Dictionary<string, string> { ["service"] = service },
            new RetryInfo { RetryDelay = Duration.FromTimeSpan(OperatorRetry) }
        );

    /// <summary>UNIMPLEMENTED: part of the contract that is not built yet.</summary>
    /// <param name="message">What to do instead.</param>
    public static RpcException NotSupportedYet(string message) => Create(StatusCode.Unimplemented, ErrorReason.NotSupportedYet, message);

    /// <summary>Any error.</summary>
    /// <param name="code">The status code that <paramref name="reason"/> names in its comment.</param>
    /// <param name="reason">Why.</param>
    /// <param name="message">For people: what is wrong and what to do.</param>
    /// <param name="details">Messages of <c>google.rpc</c> besides the <see cref="ErrorInfo"/>.</param>
    public static RpcException Create(StatusCode code, ErrorReason reason, string message, params IMessage[] details) =>
        Create(code, reason, message, new Dictionary<string, string>(), details);

    /// <summary>Any error, with facts for programs.</summary>
    /// <param name="code">The status code that <paramref name="reason"/> names in its comment.</param>
    /// <param name="reason">Why.</param>
    /// <param name="message">For people: what is wrong and what to do.</param>
    /// <param name="metadata">Goes into <see cref="ErrorInfo"/>; long values are cut.</param>
    /// <param name="details">Messages of <c>google.rpc</c> besides the <see cref="ErrorInfo"/>.</param>
    public static RpcException Create(
        StatusCode code,
        ErrorReason reason,
        string message,
        IReadOnlyDictionary<string, string> metadata,
        params IMessage[] details
    )
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(details);
        var info = new ErrorInfo { Domain = Domain, Reason = reason.ToString() };
        foreach (var (key, value) in metadata)
        {
            info.Metadata.Add(key, Shorten(value));
        }

        var status = new Google.Rpc.Status { Code = (int)code, Message = Shorten(message) };
        status.Details.Add(Any.Pack(info));
        status.Details.AddRange(details.Select(Any.Pack));
        return status.ToRpcException();
    }

    /// <summary>The reason that an error carries; <see cref="ErrorReason.Unspecified"/> when it carries none of the gallery's.</summary>
    /// <param name="error">An error, made here or received from a service.</param>
    public static ErrorReason ReasonOf(RpcException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        var info = InfoOf(error);
        return info is { Domain: Domain } && System.Enum.TryParse<ErrorReason>(info.Reason, out var reason)
            ? reason
            : ErrorReason.Unspecified;
    }

    /// <summary>The facts that an error carries beside its reason; empty when it carries none of the gallery's.</summary>
    /// <param name="error">An error, made here or received from a service.</param>
    public static IReadOnlyDictionary<string, string> MetadataOf(RpcException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return InfoOf(error) is { Domain: Domain } info ? new Dictionary<string, string>(info.Metadata) : new Dictionary<string, string>();
    }

    internal static ErrorInfo? InfoOf(RpcException error)
    {
        try
        {
            return error.GetRpcStatus()?.GetDetail<ErrorInfo>();
        }
        catch (InvalidProtocolBufferException)
        {
            return null; // A peer sent details that are none: the error counts as one without.
        }
    }

    private static RpcException Denied(ErrorReason reason, string action, string scope, string lead) =>
        Create(
            StatusCode.PermissionDenied,
            reason,
            $"{lead} '{action}' on '{Shorten(scope)}'. Ask an owner for a role that allows it; a new assignment takes effect within seconds.",
            new Dictionary<string, string> { ["action"] = action, ["scope"] = scope }
        );

    private static ResourceInfo About(string resourceType, string name) =>
        new() { ResourceType = resourceType, ResourceName = Shorten(name) };

    private static PreconditionFailure.Types.Violation Violation(string type, string subject, string description) =>
        new()
        {
            Type = type,
            Subject = Shorten(subject),
            Description = Shorten(description),
        };

    private static string Shorten(string text, int longest = LongestText) =>
        text.Length <= longest ? text : string.Concat(text.AsSpan(0, longest - 1), "…");
}
