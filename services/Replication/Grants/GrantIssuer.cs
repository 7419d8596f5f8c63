using System.Security.Cryptography;
using Gallery.ServiceDefaults.Access;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.Replication.Grants;

/// <summary>Settings of the data-plane grants, section <c>Grants</c>.</summary>
internal sealed class GrantOptions
{
    /// <summary>The key that signs them: base64 of a PKCS#8 private key on the curve P-256. A secret; nodes know its public half.</summary>
    public string PrivateKey { get; set; } = "";

    /// <summary>How long an upload grant is good for.</summary>
    public TimeSpan UploadLifetime { get; set; } = TimeSpan.FromHours(6);

    /// <summary>How long a pull grant is good for. An attempt that takes longer goes on with fresh ones.</summary>
    public TimeSpan PullLifetime { get; set; } = TimeSpan.FromHours(6);
}

/// <summary>Leave to do one thing with one thing on one region's node: a signed token.</summary>
/// <param name="Token">To be sent as a bearer token. A secret.</param>
/// <param name="ExpireTime">When it ends.</param>
internal sealed record Grant(string Token, DateTimeOffset ExpireTime);

/// <summary>Signs grants (ES256).</summary>
internal sealed class GrantIssuer : IDisposable
{
    private readonly ECDsa _key;
    private readonly SigningCredentials _credentials;
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly GrantOptions _options;
    private readonly TimeProvider _clock;

    /// <summary>Reads the key.</summary>
    /// <exception cref="InvalidOperationException">There is no key, or it is none.</exception>
    public GrantIssuer(IOptions<GrantOptions> options, TimeProvider clock)
    {
        _options = options.Value;
        _clock = clock;
        _key = ECDsa.Create();
        try
        {
            _key.ImportPkcs8PrivateKey(Convert.FromBase64String(_options.PrivateKey), out _);
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException)
        {
            _key.Dispose();
            throw new InvalidOperationException("Grants:PrivateKey must be base64 of a PKCS#8 private key on the curve P-256.", exception);
        }

        // The library's own cache outlives this object and would go on using its key after it was disposed of.
        var signing = new ECDsaSecurityKey(_key) { CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false } };
        _credentials = new SigningCredentials(signing, SecurityAlgorithms.EcdsaSha256);
    }

    /// <summary>Leave to send a file into an upload.</summary>
    public Grant Upload(string region, string uploadId) =>
        Issue(region, GrantClaims.Upload, uploadId, _clock.GetUtcNow() + _options.UploadLifetime);

    /// <summary>Leave to read a replica.</summary>
    public Grant Read(string region, string replicaUid, DateTimeOffset expireTime) =>
        Issue(region, GrantClaims.Read, replicaUid, expireTime);

    /// <summary>Leave for a node to take a content from the node of another region.</summary>
    public Grant Pull(string region, string contentDigest) =>
        Issue(region, GrantClaims.Pull, contentDigest, _clock.GetUtcNow() + _options.PullLifetime);

    /// <inheritdoc />
    public void Dispose() => _key.Dispose();

    private Grant Issue(string region, string operation, string resource, DateTimeOffset expireTime)
    {
        var token = _handler.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = GrantClaims.Issuer,
                Audience = GrantClaims.AudienceOf(region),
                Claims = new Dictionary<string, object> { [GrantClaims.Operation] = operation, [GrantClaims.Resource] = resource },
                IssuedAt = _clock.GetUtcNow().UtcDateTime,
                Expires = expireTime.UtcDateTime,
                SigningCredentials = _credentials,
            }
        );
        return new Grant(token, expireTime);
    }
}
