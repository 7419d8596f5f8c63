using System.ComponentModel.DataAnnotations;

namespace Gallery.Region.Access;

/// <summary>Whose grants open the data plane, section `Grants`.</summary>
internal sealed class GrantOptions
{
    /// <summary>The key that grants are signed with: base64 of a SubjectPublicKeyInfo on the curve P-256.</summary>
    [Required]
    public string PublicKey { get; set; } = "";
}
