using System.ComponentModel.DataAnnotations;

namespace Gallery.Identity;

/// <summary>Settings of the issuer, section <c>Identity</c>.</summary>
internal sealed class IdentityOptions : IValidatableObject
{
    /// <summary>The URL by which clients and services know the issuer. http is accepted on a loopback address only.</summary>
    [Required]
    public Uri? Issuer { get; set; }

    /// <summary>The folder that keeps the signing key, so that tokens stay good over a restart.</summary>
    [Required]
    public string DataPath { get; set; } = "";

    /// <summary>For how long a token is good.</summary>
    public TimeSpan TokenLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>For whom the tokens are.</summary>
    [Required]
    public string Audience { get; set; } = "gallery";

    /// <summary>People and programs that use the gallery.</summary>
    public IList<PrincipalOptions> Principals { get; } = [];

    /// <summary>The gallery's own services.</summary>
    public IList<ServiceOptions> Services { get; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Issuer is { IsAbsoluteUri: false } || (Issuer is not null && Issuer.Scheme != Uri.UriSchemeHttps && !IsLoopbackHttp(Issuer)))
        {
            yield return new ValidationResult("Identity:Issuer must be an https URL, or an http URL on a loopback address.");
        }

        if (TokenLifetime < TimeSpan.FromMinutes(1) || TokenLifetime > TimeSpan.FromDays(1))
        {
            yield return new ValidationResult("Identity:TokenLifetime must be one minute to one day.");
        }

        var ids = Principals.Select(principal => principal.ClientId).Concat(Services.Select(service => service.ClientId)).ToArray();
        if (ids.Distinct(StringComparer.Ordinal).Count() != ids.Length)
        {
            yield return new ValidationResult("Identity: two principals or services have the same ClientId.");
        }

        foreach (var principal in Principals.Where(principal => !principal.IsComplete))
        {
            yield return new ValidationResult(
                $"Identity:Principals: '{principal.ClientId}' needs ClientId, ClientSecret, TenantId and ObjectId (UUIDs), and the Type 'user' or 'app'."
            );
        }

        foreach (var service in Services.Where(service => service.ClientId.Length == 0 || service.ClientSecret.Length == 0))
        {
            yield return new ValidationResult($"Identity:Services: '{service.ClientId}' needs ClientId and ClientSecret.");
        }
    }

    /// <summary>Whether tokens travel in clear text, which nobody but this machine can read.</summary>
    public static bool IsLoopbackHttp(Uri issuer) => issuer.Scheme == Uri.UriSchemeHttp && issuer.IsLoopback;
}

/// <summary>Somebody who uses the gallery.</summary>
internal sealed class PrincipalOptions
{
    /// <summary>The name to sign in with.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>The secret to sign in with.</summary>
    public string ClientSecret { get; set; } = "";

    /// <summary>The tenant, a UUID: claim <c>tid</c>.</summary>
    public string TenantId { get; set; } = "";

    /// <summary>The principal, a UUID: claims <c>oid</c> and <c>sub</c>.</summary>
    public string ObjectId { get; set; } = "";

    /// <summary><c>user</c> or <c>app</c>: claim <c>idtyp</c>.</summary>
    public string Type { get; set; } = "user";

    /// <summary>A name for people: claim <c>name</c>.</summary>
    public string DisplayName { get; set; } = "";

    /// <summary>The groups that the principal is a member of, UUIDs: claim <c>groups</c>.</summary>
    public IList<string> Groups { get; } = [];

    internal bool IsComplete =>
        ClientId.Length > 0
        && ClientSecret.Length > 0
        && Guid.TryParse(TenantId, out _)
        && Guid.TryParse(ObjectId, out _)
        && Type is "user" or "app"
        && Groups.All(group => Guid.TryParse(group, out _));
}

/// <summary>One of the gallery's own services.</summary>
internal sealed class ServiceOptions
{
    /// <summary>Its name: <c>catalog</c>. Gives the role <c>gallery.service.catalog</c>.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>Its secret.</summary>
    public string ClientSecret { get; set; } = "";
}
