using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gallery.Cli.Login;

/// <summary>Who is signed in on this machine. Kept in a file that only its owner can read, for it opens what the person may do.</summary>
internal sealed record Session
{
    /// <summary>The issuer that gave the token.</summary>
    public required string Authority { get; init; }

    /// <summary>The client that the token was asked for.</summary>
    public required string ClientId { get; init; }

    /// <summary>The client's secret, to get the next token with; null when it is looked up by <see cref="PrincipalsFile"/>.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>The file of the development principals that holds the secret; null when signed in with a client of one's own.</summary>
    public string? PrincipalsFile { get; init; }

    /// <summary>The scope that is asked for; null for the issuer's own choice.</summary>
    public string? Scope { get; init; }

    /// <summary>A name for people.</summary>
    public required string Name { get; init; }

    /// <summary>The tenant, as the token says; null when it does not.</summary>
    public string? TenantId { get; init; }

    /// <summary>The principal inside the tenant, as the token says; null when it does not.</summary>
    public string? ObjectId { get; init; }

    /// <summary>The id of the subscription that commands mean when they name none; null when there is none.</summary>
    public string? Subscription { get; init; }

    /// <summary>The token that was got last.</summary>
    public required string AccessToken { get; init; }

    /// <summary>When that token ends.</summary>
    public required DateTimeOffset ExpireTime { get; init; }
}

/// <summary>Reads and writes <see cref="Session"/> without reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Session))]
internal sealed partial class SessionJson : JsonSerializerContext;
