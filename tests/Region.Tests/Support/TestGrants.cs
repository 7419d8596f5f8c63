using System.Security.Cryptography;
using Gallery.ServiceDefaults.Access;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.Region.Tests.Support;

/// <summary>Signs grants as Replication does.</summary>
internal sealed class TestGrants : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string PublicKey => Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo());

    public string Upload(string region, string id) => Sign(region, GrantClaims.Upload, id);

    public string Pull(string region, string content) => Sign(region, GrantClaims.Pull, content);

    public string Read(string region, string replica) => Sign(region, GrantClaims.Read, replica);

    public string Sign(string region, string operation, string resource, TimeSpan? life = null, string? issuer = null) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = issuer ?? GrantClaims.Issuer,
                Audience = GrantClaims.AudienceOf(region),
                Claims = new Dictionary<string, object> { [GrantClaims.Operation] = operation, [GrantClaims.Resource] = resource },
                Expires = DateTime.UtcNow + (life ?? TimeSpan.FromMinutes(10)),
                SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(_key), SecurityAlgorithms.EcdsaSha256),
            }
        );

    public void Dispose() => _key.Dispose();
}
