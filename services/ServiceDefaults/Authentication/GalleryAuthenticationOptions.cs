using System.ComponentModel.DataAnnotations;

namespace Gallery.ServiceDefaults.Authentication;

/// <summary>Whose tokens are accepted, section <c>Authentication</c>.</summary>
public sealed class GalleryAuthenticationOptions
{
    /// <summary>The URL of the OpenID Connect issuer. Its discovery document and keys are read when the first token arrives.</summary>
    [Required]
    public string Authority { get; set; } = "";

    /// <summary>The audience that a token must be for.</summary>
    [Required]
    public string Audience { get; set; } = "gallery";

    /// <summary>Whether the authority must be reached over https. Turn it off on a loopback address only.</summary>
    public bool RequireHttpsMetadata { get; set; } = true;
}
