using System.Security.Claims;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Access;

/// <summary>Who calls.</summary>
/// <param name="Principal">What the token says of the caller.</param>
/// <param name="ServiceName">The name of the service when the caller is one of the gallery's, <c>replication</c> for example; else
/// null.</param>
public sealed record Caller(Principal Principal, string? ServiceName)
{
    /// <summary>A role that begins with this makes its bearer the service named behind it.</summary>
    public const string ServiceRolePrefix = "gallery.service.";

    /// <summary>Who makes this call.</summary>
    /// <param name="context">The call.</param>
    /// <exception cref="RpcException">UNAUTHENTICATED: nobody that is known.</exception>
    public static Caller From(ServerCallContext context) => From(context.GetHttpContext().User);

    /// <summary>Who a token speaks for.</summary>
    /// <param name="user">The token's claims.</param>
    /// <exception cref="RpcException">UNAUTHENTICATED: the token lacks what names a principal.</exception>
    public static Caller From(ClaimsPrincipal user)
    {
        ArgumentNullException.ThrowIfNull(user);
        if (user.Identity?.IsAuthenticated != true)
        {
            throw GalleryError.AuthenticationFailed("The call carries no token: send the header 'authorization: Bearer <token>'.");
        }

        var principal = new Principal
        {
            TenantId = RequireUuid(user, "tid"),
            ObjectId = RequireUuid(user, "oid"),
            DisplayName = user.FindFirstValue("name") ?? "",
            Type = user.FindFirstValue("idtyp") == "app" ? PrincipalType.ServicePrincipal : PrincipalType.User,
        };
        principal.GroupIds.AddRange(user.FindAll("groups").Select(group => group.Value.ToLowerInvariant()));
        var role = user.FindAll("roles").Select(claim => claim.Value).FirstOrDefault(IsServiceRole);
        return new Caller(principal, role?[ServiceRolePrefix.Length..]);
    }

    /// <summary>Whether the caller is one of the services named.</summary>
    /// <param name="names">Names of services; none means any.</param>
    public bool IsService(params ReadOnlySpan<string> names) =>
        ServiceName is not null && (names.Length == 0 || names.Contains(ServiceName));

    private static bool IsServiceRole(string role) =>
        role.StartsWith(ServiceRolePrefix, StringComparison.Ordinal) && role.Length > ServiceRolePrefix.Length;

    private static string RequireUuid(ClaimsPrincipal user, string claim) =>
        Guid.TryParse(user.FindFirstValue(claim), out var id)
            ? id.ToString("D")
            : throw GalleryError.AuthenticationFailed(
                $"The token's claim '{claim}' is missing or no UUID: the gallery can't tell whose it is."
            );
}
