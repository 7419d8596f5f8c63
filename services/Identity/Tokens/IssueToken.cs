using System.Collections.Immutable;
using System.Security.Claims;
using Gallery.Identity.Clients;
using Microsoft.Extensions.Options;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gallery.Identity.Tokens;

/// <summary>Says in the token whose it is.</summary>
internal sealed class IssueToken(ClientDirectory clients, IOptions<IdentityOptions> options)
    : IOpenIddictServerHandler<HandleTokenRequestContext>
{
    public ValueTask HandleAsync(HandleTokenRequestContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (clients.SignIn(context.Request.ClientId, context.Request.ClientSecret) is not { } client)
        {
            context.Reject(Errors.InvalidClient);
            return ValueTask.CompletedTask;
        }

        var identity = new ClaimsIdentity("gallery", Claims.Name, "roles");
        identity
            .SetClaim(Claims.Subject, client.ObjectId)
            .SetClaim("oid", client.ObjectId)
            .SetClaim("tid", client.TenantId)
            .SetClaim("idtyp", client.Type)
            .SetClaim(Claims.Name, client.DisplayName)
            .SetClaims("groups", [.. client.Groups])
            .SetClaims("roles", [.. client.Roles])
            .SetDestinations(_ => ImmutableArray.Create(Destinations.AccessToken));
        identity.SetAudiences(options.Value.Audience);
        context.SignIn(new ClaimsPrincipal(identity));
        return ValueTask.CompletedTask;
    }
}
