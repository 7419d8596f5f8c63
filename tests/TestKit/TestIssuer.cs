using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.TestKit;

/// <summary>
/// An OpenID Connect issuer on a loopback port: discovery, keys, and a token endpoint that gives any client with the secret
/// <see cref="ClientSecret"/> the token of the service named like its client id. Services check its tokens as they check any issuer's.
/// </summary>
public sealed class TestIssuer : IAsyncDisposable
{
    /// <summary>The secret of every client.</summary>
    public const string ClientSecret = "a-secret-of-tests";

    // Making a key takes longer than most tests: the issuers of a run share one, unless a test is about keys.
    private static readonly Lazy<RSA> SharedKey = new(() => RSA.Create(2048));

    private readonly SigningCredentials _signing;
    private WebApplication? _app;
    private int _tokensIssued;

    private TestIssuer(RSA key)
    {
        var id = Base64UrlEncoder.Encode(SHA256.HashData(key.ExportSubjectPublicKeyInfo())[..16]);
        _signing = new SigningCredentials(new RsaSecurityKey(key) { KeyId = id }, SecurityAlgorithms.RsaSha256);
    }

    /// <summary>The issuer's URL.</summary>
    public string Url { get; private set; } = "";

    /// <summary>How many tokens the token endpoint has given.</summary>
    public int TokensIssued => _tokensIssued;

    /// <summary>Starts an issuer.</summary>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="newKey">Whether it has a key that no other issuer has.</param>
    public static async Task<TestIssuer> StartAsync(int port = 0, bool newKey = false)
    {
        var issuer = new TestIssuer(newKey ? RSA.Create(2048) : SharedKey.Value);
        await issuer.ListenAsync(port == 0 ? FreePort.Next() : port);
        return issuer;
    }

    /// <summary>Issues a token.</summary>
    /// <param name="principal">Whose.</param>
    /// <param name="audience">For whom.</param>
    /// <param name="expires">Until when, by the system's clock.</param>
    /// <param name="issuer">Another issuer's name, to make a token that is refused.</param>
    public string TokenOf(TestPrincipal principal, string audience = "gallery", DateTime? expires = null, string? issuer = null)
    {
        var claims = new Dictionary<string, object>
        {
            ["tid"] = principal.TenantId,
            ["oid"] = principal.ObjectId,
            ["sub"] = principal.ObjectId,
            ["name"] = principal.Name,
            ["idtyp"] = principal.Type,
        };
        if (principal.Groups.Count > 0)
        {
            claims["groups"] = principal.Groups;
        }

        if (principal.Roles.Count > 0)
        {
            claims["roles"] = principal.Roles;
        }

        var end = expires ?? DateTime.UtcNow.AddHours(1);
        return new JsonWebTokenHandler().CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = issuer ?? Url,
                Audience = audience,
                Claims = claims,
                NotBefore = end.AddHours(-2),
                IssuedAt = end.AddHours(-2),
                Expires = end,
                SigningCredentials = _signing,
            }
        );
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    private async Task ListenAsync(int port)
    {
        Url = $"http://127.0.0.1:{port}/";
        // Empty, so that the appsettings.json of the service under test, which lies beside the tests, does not count here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().UseUrls(Url);
        _app = builder.Build();
        _app.MapGet(
            "/.well-known/openid-configuration",
            () =>
                new Dictionary<string, object>
                {
                    ["issuer"] = Url,
                    ["jwks_uri"] = $"{Url}jwks",
                    ["token_endpoint"] = $"{Url}connect/token",
                    ["response_types_supported"] = new[] { "token" },
                    ["subject_types_supported"] = new[] { "public" },
                    ["id_token_signing_alg_values_supported"] = new[] { "RS256" },
                }
        );
        _app.MapGet("/jwks", () => new Dictionary<string, object> { ["keys"] = new[] { PublicKey() } });
        _app.MapPost(
            "/connect/token",
            async (HttpRequest request) => Answer(await request.ReadFormAsync(), request.Headers.Authorization.ToString())
        );
        await _app.StartAsync();
    }

    private IResult Answer(IFormCollection form, string authorization)
    {
        var (id, secret) = ((string?)form["client_id"], (string?)form["client_secret"]);
        if (authorization.StartsWith("Basic ", StringComparison.Ordinal))
        {
            var parts = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(authorization["Basic ".Length..])).Split(':');
            (id, secret) = (Uri.UnescapeDataString(parts[0]), Uri.UnescapeDataString(parts[1]));
        }

        if (form["grant_type"] != "client_credentials" || id is null || secret != ClientSecret)
        {
            return Results.Json(new { error = "invalid_client" }, statusCode: StatusCodes.Status401Unauthorized);
        }

        Interlocked.Increment(ref _tokensIssued);
        return Results.Json(
            new
            {
                access_token = TokenOf(TestPrincipal.Service(id)),
                token_type = "Bearer",
                expires_in = 3600,
            }
        );
    }

    private Dictionary<string, string> PublicKey()
    {
        var key = JsonWebKeyConverter.ConvertFromRSASecurityKey((RsaSecurityKey)_signing.Key);
        return new Dictionary<string, string>
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["alg"] = "RS256",
            ["kid"] = key.Kid,
            ["n"] = key.N,
            ["e"] = key.E,
        };
    }
}
