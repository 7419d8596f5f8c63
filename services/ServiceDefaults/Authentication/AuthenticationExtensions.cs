using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Gallery.ServiceDefaults.Authentication;

/// <summary>Gives a service its authentication.</summary>
public static class AuthenticationExtensions
{
    private static readonly TimeSpan AuthorityTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KeyRefresh = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Accepts bearer tokens of the configured authority, and refuses every call without one that is not marked as open to all.
    /// </summary>
    internal static void AddGalleryAuthentication(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<GalleryAuthenticationOptions>().BindConfiguration("Authentication").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<BearerAnswers>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.RemoveDataProtectionKeys();
        services
            .AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IOptions<GalleryAuthenticationOptions>>((bearer, options) => Configure(bearer, options.Value));
        services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    /// <summary>
    /// Authentication brings data protection along, which writes keys to the user's home folder when a program starts. Nothing here
    /// protects
    /// data with them, so they are not made.
    /// </summary>
    /// <param name="services">Where authentication was added.</param>
    public static IServiceCollection RemoveDataProtectionKeys(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var makers = services
            .Where(service =>
                service.ServiceType == typeof(IHostedService)
                && service.ImplementationType?.Assembly == typeof(DataProtectionOptions).Assembly
            )
            .ToArray();
        foreach (var maker in makers)
        {
            services.Remove(maker);
        }

        return services;
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
        bearer.TokenValidationParameters.ValidAlgorithms =
        [
            "RS256",
            "RS384",
            "RS512",
            "PS256",
            "PS384",
            "PS512",
            "ES256",
            "ES384",
            "ES512",
        ];
    }
}
