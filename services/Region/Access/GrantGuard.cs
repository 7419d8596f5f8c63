using System.Security.Cryptography;
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
