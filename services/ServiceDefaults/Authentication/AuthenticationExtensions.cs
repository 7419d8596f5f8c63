using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gallery.ServiceDefaults.Authentication;

internal static class AuthenticationExtensions
{
    private static readonly TimeSpan AuthorityTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KeyRefresh = TimeSpan.FromSeconds(10);

    /// <summary>Accepts bearer tokens of the configured authority, and refuses every call without one that is not marked as open to all.</summary>
    public static void AddGalleryAuthentication(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<GalleryAuthenticationOptions>().BindConfiguration("Authentication").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<BearerAnswers>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IOptions<GalleryAuthenticationOptions>>((bearer, options) => Configure(bearer, options.Value));
        services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    private static void Configure(JwtBearerOptions bearer, GalleryAuthenticationOptions options)
    {
        bearer.Authority = options.Authority;
        bearer.Audience = options.Audience;
        bearer.RequireHttpsMetadata = options.RequireHttpsMetadata;
        bearer.MapInboundClaims = false;
        bearer.BackchannelTimeout = AuthorityTimeout;
        bearer.RefreshInterval = KeyRefresh;
        bearer.EventsType = typeof(BearerAnswers);
        bearer.TokenValidationParameters.NameClaimType = "name";
        bearer.TokenValidationParameters.RoleClaimType = "roles";
        bearer.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
        // Signatures with the authority's published keys only: a shared secret has no place here.
        bearer.TokenValidationParameters.ValidAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];
    }
}
