using System.Security.Cryptography;
using System.Text;
using Gallery.Replication.Grants;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Snapshots;

/// <summary>
/// Encrypts the addresses of imports, whose queries may be signatures: the work must survive this process, and who reads the store, or a copy of
/// it, must not be able to use them. The key follows from the secret that signs grants.
/// </summary>
internal sealed class ImportSecrets(IOptions<GrantOptions> grants)
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256,
        Convert.FromBase64String(grants.Value.PrivateKey),
        outputLength: 32,
        info: "gallery import addresses"u8.ToArray()
    );

    /// <summary>Encrypts an address.</summary>
    /// <param name="uri">The address.</param>
    /// <param name="uid">The snapshot it is of: for another one it can't be read.</param>
    public byte[] Seal(string uri, string uid)
    {
        var text = Encoding.UTF8.GetBytes(uri);
        var sealedBytes = new byte[NonceSize + TagSize + text.Length];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceSize));
        using var aes = new AesGcm(_key, TagSize);
        aes.Encrypt(
            sealedBytes.AsSpan(0, NonceSize),
            text,
            sealedBytes.AsSpan(NonceSize + TagSize),
            sealedBytes.AsSpan(NonceSize, TagSize),
            Encoding.UTF8.GetBytes(uid)
        );
        return sealedBytes;
    }

    /// <summary>Decrypts an address; null when it was encrypted with another key, or is none.</summary>
    public string? Open(byte[]? sealedBytes, string uid)
    {
        if (sealedBytes is null || sealedBytes.Length < NonceSize + TagSize)
        {
            return null;
        }

        var text = new byte[sealedBytes.Length - NonceSize - TagSize];
        using var aes = new AesGcm(_key, TagSize);
        try
        {
            aes.Decrypt(
                sealedBytes.AsSpan(0, NonceSize),
                sealedBytes.AsSpan(NonceSize + TagSize),
                sealedBytes.AsSpan(NonceSize, TagSize),
                text,
                Encoding.UTF8.GetBytes(uid)
            );
            return Encoding.UTF8.GetString(text);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
