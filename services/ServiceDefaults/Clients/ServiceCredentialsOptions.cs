using System.ComponentModel.DataAnnotations;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>The client credentials with which this service calls the others, section <c>ServiceCredentials</c>.</summary>
public sealed class ServiceCredentialsOptions
{
    /// <summary>The client id at the authority.</summary>
    [Required]
    public string ClientId { get; set; } = "";

    /// <summary>The client secret at the authority. Never logged.</summary>
    [Required]
    public string ClientSecret { get; set; } = "";

    /// <summary>The scope to ask for; most authorities that issue tokens for an audience by scope want one. Empty asks for none.</summary>
    public string Scope { get; set; } = "";
}
