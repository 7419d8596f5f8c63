using System.Security.Cryptography;
using Gallery.Identity.Clients;
using Gallery.Identity.Keys;
using Gallery.ServiceDefaults.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Server;

namespace Gallery.Identity.Tokens;

internal static class IssuerExtensions
{
    /// <summary>
    /// An OpenID Connect issuer without a database: discovery, keys, and client credentials for those in the configuration.
    /// </summary>
    public static void AddIssuer(this WebApplicationBuilder builder)
    {
        var options = builder.Configuration.GetSection("Identity").Get<IdentityOptions>() ?? new IdentityOptions();
        builder.Services.AddOptions<IdentityOptions>().BindConfiguration("Identity").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ClientDirectory>();
        builder
            .Services.AddOpenIddict()
            .AddServer(server =>
            {
                server.EnableDegradedMode();
                server
                    .SetConfigurationEndpointUris(".well-known/openid-configuration")
                    .SetJsonWebKeySetEndpointUris(".well-known/jwks")
                    .SetTokenEndpointUris("connect/token");
                server.AllowClientCredentialsFlow();
                // What a token opens is decided by role assignments, not by scopes: any scope may be asked for.
                server.DisableScopeValidation();
                server.DisableAccessTokenEncryption();
                // Demanded by the library for tokens that are never issued here.
                server.AddEncryptionKey(new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)));
                server.SetAccessTokenLifetime(options.TokenLifetime);
                server.AddEventHandler<OpenIddictServerEvents.ValidateTokenRequestContext>(handler =>
                    handler.UseSingletonHandler<ValidateClient>()
                );
                server.AddEventHandler<OpenIddictServerEvents.HandleTokenRequestContext>(handler =>
                    handler.UseSingletonHandler<IssueToken>()
                );
                var host = server.UseAspNetCore();
                if (options.Issuer is { IsAbsoluteUri: true } issuer)
                {
                    server.SetIssuer(issuer);
                    if (IdentityOptions.IsLoopbackHttp(issuer))
                    {
                        host.DisableTransportSecurityRequirement();
                    }
                }
            });
        builder.Services.RemoveDataProtectionKeys();
        builder
            .Services.AddOptions<OpenIddictServerOptions>()
            .Configure<IOptions<IdentityOptions>>(
                (server, identity) =>
                    server.SigningCredentials.Add(
                        new SigningCredentials(SigningKeyFile.LoadOrCreate(identity.Value.DataPath), SecurityAlgorithms.RsaSha256)
                    )
            )
            .ValidateOnStart();
    }
}
