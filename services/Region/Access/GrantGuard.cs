using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Access;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.Region.Access;

/// <summary>
/// Lets in whoever holds a grant for just this: a short-lived ES256 token of Replication that names the node, the operation and the one upload,
/// replica or content that it opens.
/// </summary>
internal static class GrantGuard
{
    private const string Scheme = "Grant";
    private const int LongestPassword = 16 * 1024;

    /// <summary>Checks grants with the configured key.</summary>
    public static void AddGrants(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<GrantOptions>().BindConfiguration("Grants").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddAuthentication().AddJwtBearer(Scheme, _ => { });
        builder
            .Services.AddOptions<JwtBearerOptions>(Scheme)
            .Configure<IOptions<GrantOptions>, IOptions<RegionOptions>>(
                (bearer, grants, region) => Configure(bearer, grants.Value, region.Value)
            );
    }

    /// <summary>Refuses a call without a grant for this operation on this thing.</summary>
    /// <exception cref="RegionException">AuthenticationFailed without a grant, GrantNotValid with one that does not open this.</exception>
    public static async Task RequireGrantAsync(this HttpContext http, string operation, string resource)
    {
        var result = await http.AuthenticateAsync(Scheme);
        if (result.None)
        {
            throw new RegionException(
                ErrorReason.AuthenticationFailed,
                "The call carries no grant: send the header 'authorization: Bearer <grant>'."
            );
        }

        if (result.Principal is not { } principal)
        {
            throw new RegionException(ErrorReason.GrantNotValid, Explain(result.Failure));
        }

        if (principal.FindFirst(GrantClaims.Operation)?.Value != operation || principal.FindFirst(GrantClaims.Resource)?.Value != resource)
        {
            throw new RegionException(
                ErrorReason.GrantNotValid,
                $"The grant does not open '{operation}' of {ErrorTexts.Shorten(resource)}."
            );
        }
    }

    private static void Configure(JwtBearerOptions bearer, GrantOptions grants, RegionOptions region)
    {
        bearer.MapInboundClaims = false;
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidIssuer = GrantClaims.Issuer,
            ValidAudience = GrantClaims.AudienceOf(region.Name),
            IssuerSigningKey = ReadKey(grants.PublicKey),
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ClockSkew = TimeSpan.FromSeconds(30),
        };
        bearer.Events = new JwtBearerEvents
        {
            OnMessageReceived = context =>
            {
                context.Token = PasswordOf(context.Request.Headers.Authorization);
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>
    /// The grant of a reader that can send it only as a password, as qemu's does; the user name does not matter. Null for all others.
    /// </summary>
    private static string? PasswordOf(string? authorization)
    {
        if (
            !AuthenticationHeaderValue.TryParse(authorization, out var header)
            || !header.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)
            || header.Parameter is not { Length: <= LongestPassword } parameter
        )
        {
            return null;
        }

        var bytes = new byte[parameter.Length];
        return
            Convert.TryFromBase64String(parameter, bytes, out var length)
            && Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [_, var password]
            ? password
            : null;
    }

    private static ECDsaSecurityKey ReadKey(string publicKey)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(publicKey), out _);
            return new ECDsaSecurityKey(key);
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            key.Dispose();
            throw new InvalidOperationException("Grants:PublicKey must be base64 of a SubjectPublicKeyInfo on the curve P-256.", exception);
        }
    }

    private static string Explain(Exception? failure) =>
        failure switch
        {
            SecurityTokenExpiredException => "The grant has expired. Ask for a new one.",
            SecurityTokenInvalidAudienceException => "The grant is for another region's node.",
            _ => "The grant is not one of this gallery's, or is malformed.",
        };
}
