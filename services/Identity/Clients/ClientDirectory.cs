using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Gallery.Identity.Clients;

/// <summary>Everybody who may sign in, from configuration.</summary>
internal sealed class ClientDirectory
{
    private const string ServiceRolePrefix = "gallery.service.";

    private readonly Dictionary<string, Entry> _entries;

    // Compared when nobody has the id, so that the time of an answer does not tell whether somebody has.
    private readonly byte[] _nobodysSecret = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    public ClientDirectory(IOptions<IdentityOptions> options)
    {
        var principals = options.Value.Principals.Select(principal =>
            (principal.ClientId, new Entry(HashOf(principal.ClientSecret), ClientOf(principal)))
        );
        var services = options.Value.Services.Select(service =>
            (service.ClientId, new Entry(HashOf(service.ClientSecret), ClientOf(service)))
        );
        _entries = principals.Concat(services).ToDictionary(entry => entry.ClientId, entry => entry.Item2, StringComparer.Ordinal);
    }

    /// <summary>Who signs in with an id and a secret; null when the secret is wrong or nobody has the id.</summary>
    public Client? SignIn(string? clientId, string? clientSecret)
    {
        var entry = clientId is null ? null : _entries.GetValueOrDefault(clientId);
        var right = CryptographicOperations.FixedTimeEquals(HashOf(clientSecret ?? ""), entry?.SecretHash ?? _nobodysSecret);
        return right ? entry?.Client : null;
    }

    private static Client ClientOf(PrincipalOptions principal) =>
        new(
            Lower(principal.TenantId),
            Lower(principal.ObjectId),
            principal.Type,
            principal.DisplayName.Length == 0 ? principal.ClientId : principal.DisplayName,
            [.. principal.Groups.Select(Lower)],
            []
        );

    // A service is nobody's tenant; its object id follows from its name.
    private static Client ClientOf(ServiceOptions service) =>
        new(
            Guid.Empty.ToString(),
            new Guid(HashOf(service.ClientId).AsSpan(0, 16)).ToString(),
            "app",
            service.ClientId,
            [],
            [ServiceRolePrefix + service.ClientId]
        );

    private static string Lower(string uuid) => Guid.Parse(uuid).ToString();

    private static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private sealed record Entry(byte[] SecretHash, Client Client);
}
