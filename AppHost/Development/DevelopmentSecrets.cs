using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Gallery.AppHost.Development;

/// <summary>
/// The secrets of an installation on one machine: made at the first start, kept in `secrets/` of the data folder for their owner alone,
/// and handed to each process through its environment.
/// </summary>
internal sealed class DevelopmentSecrets
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly string _folder;

    public DevelopmentSecrets(string folder)
    {
        PrivateFile.CreateFolder(folder);
        _folder = folder;
        GrantsPrivateKey = PrivateFile.ReadOrCreate(Path.Combine(folder, "grants-private-key"), NewSigningKey);
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(Convert.FromBase64String(GrantsPrivateKey), out _);
        GrantsPublicKey = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
        WritePrincipals();
    }

    /// <summary>Key that signs grants: PKCS#8 of an elliptic curve P-256, in base64.</summary>
    public string GrantsPrivateKey { get; }

    /// <summary>Key that checks grants: SubjectPublicKeyInfo, in base64.</summary>
    public string GrantsPublicKey { get; }

    /// <summary>A password or client secret, made when it is asked for the first time.</summary>
    /// <param name="name">Name of its file.</param>
    public string this[string name] =>
        PrivateFile.ReadOrCreate(Path.Combine(_folder, name), () => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)));

    private static string NewSigningKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Convert.ToBase64String(key.ExportPkcs8PrivateKey());
    }

    /// <summary>For `gallery login --as`.</summary>
    private void WritePrincipals() =>
        PrivateFile.Write(
            Path.Combine(_folder, "principals.json"),
            JsonSerializer.Serialize(
                DevelopmentPrincipals.All.Select(principal => new
                {
                    principal.Name,
                    ClientId = principal.Name,
                    ClientSecret = this[$"principal-{principal.Name}"],
                    principal.TenantId,
                    principal.ObjectId,
                    principal.DisplayName,
                }),
                Json
            )
        );
}
