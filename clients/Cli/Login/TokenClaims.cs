using System.Buffers.Text;
using System.Text.Json;

namespace Gallery.Cli.Login;

/// <summary>What a token says of its holder. For showing only: whether it is true is checked by the services.</summary>
internal sealed record TokenClaims(string? TenantId, string? ObjectId, string? Name)
{
    /// <summary>Reads a token; all members are null when it is not a readable one, which is an issuer's right.</summary>
    public static TokenClaims Read(string token)
    {
        if (token.Split('.') is not [_, var payload, _])
        {
            return new TokenClaims(null, null, null);
        }

        try
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(payload));
            return new TokenClaims(Text("tid"), Text("oid"), Text("name"));

            string? Text(string claim) =>
                claims.RootElement.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.String
                    ? value.GetString()
                    : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or FormatException or InvalidOperationException)
        {
            return new TokenClaims(null, null, null);
        }
    }
}
