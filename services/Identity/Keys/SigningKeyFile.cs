using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.Identity.Keys;

/// <summary>The RSA key that tokens are signed with. Made at the first start, readable by this user only, kept for ever after.</summary>
internal static class SigningKeyFile
{
    private const int KeySize = 2048;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads the key below a folder, or makes it.</summary>
    public static RsaSecurityKey LoadOrCreate(string folder)
    {
        var path = Path.Combine(folder, "signing-key.pem");
        var rsa = RSA.Create();
        if (File.Exists(path))
        {
            rsa.ImportFromPem(File.ReadAllText(path));
        }
        else
        {
            rsa.KeySize = KeySize;
            Save(rsa, folder, path);
        }

        // Named by what it is, so that verifiers notice a new key.
        return new RsaSecurityKey(rsa) { KeyId = Base64UrlEncoder.Encode(SHA256.HashData(rsa.ExportSubjectPublicKeyInfo())[..16]) };
    }

    private static void Save(RSA rsa, string folder, string path)
    {
        CreateFolder(folder);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        // Complete under another name first: a crash must not leave half a key.
        var unfinished = path + ".new";
        using (var writer = new StreamWriter(unfinished, options))
        {
            writer.Write(rsa.ExportPkcs8PrivateKeyPem());
            writer.Flush();
            ((FileStream)writer.BaseStream).Flush(flushToDisk: true);
        }

        File.Move(unfinished, path);
    }

    private static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
    }
}
