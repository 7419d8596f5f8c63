using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Access;

/// <summary>What an rpc asks before it does anything.</summary>
public static class AccessExtensions
{
    /// <summary>
    /// Lets the call go on only if its caller may perform the action; else PERMISSION_DENIED with reason AuthorizationFailed.
    /// </summary>
    /// <param name="access">Who decides.</param>
    /// <param name="context">The call.</param>
    /// <param name="action">The action.</param>
    /// <param name="resourceName">The resource it would be done to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static Task<Caller> RequireAsync(
        this IAccessChecker access,
        ServerCallContext context,
        string action,
        string resourceName,
        CancellationToken cancellationToken = default
    ) => RequireAsync(access, context, action, resourceName, [], cancellationToken);

    /// <summary>As above, and some of the gallery's own services may, too.</summary>
    /// <param name="access">Who decides.</param>
    /// <param name="context">The call.</param>
    /// <param name="action">The action.</param>
    /// <param name="resourceName">The resource it would be done to.</param>
    /// <param name="orServices">Names of services that may, whatever their assignments.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<Caller> RequireAsync(
        this IAccessChecker access,
        ServerCallContext context,
        string action,
        string resourceName,
        string[] orServices,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(access);
        ArgumentNullException.ThrowIfNull(orServices);
        var caller = Caller.From(context);
        var allowed =
            (orServices.Length > 0 && caller.IsService(orServices))
            || await access.IsAllowedAsync(caller, action, resourceName, Either(context, cancellationToken));
        return allowed ? caller : throw GalleryError.AuthorizationFailed(action, resourceName);
    }

    /// <summary>
    /// Lets the call go on only if its caller may perform the action on a resource that the request refers to; else PERMISSION_DENIED with
    /// reason LinkedAuthorizationFailed.
    /// </summary>
    /// <param name="access">Who decides.</param>
    /// <param name="context">The call.</param>
    /// <param name="action">The action.</param>
    /// <param name="resourceName">The resource referred to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task RequireLinkedAsync(
        this IAccessChecker access,
        ServerCallContext context,
        string action,
        string resourceName,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(access);
        if (!await access.IsAllowedAsync(Caller.From(context), action, resourceName, Either(context, cancellationToken)))
        {
            throw GalleryError.LinkedAuthorizationFailed(action, resourceName);
        }
    }

    /// <summary>Lets the call go on only if it comes from one of the gallery's own services.</summary>
    /// <param name="context">The call.</param>
    /// <param name="services">Their names.</param>
    public static Caller RequireService(this ServerCallContext context, params string[] services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var caller = Caller.From(context);
        return caller.IsService(services)
            ? caller
            : throw GalleryError.Create(
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed,
                $"'{context.Method}' is for services of the gallery only ({string.Join(", ", services)}), called with their own credentials.",
                new Dictionary<string, string> { ["action"] = context.Method, ["services"] = string.Join(", ", services) }
            );
    }

    private static CancellationToken Either(ServerCallContext context, CancellationToken given) =>
        given == default ? context.CancellationToken : given;
}
