namespace Gallery.ServiceDefaults.Access;

/// <summary>What a data-plane grant says: a short-lived ES256 JWT that opens one thing on one Region node.</summary>
public static class GrantClaims
{
    /// <summary>The issuer of all grants.</summary>
    public const string Issuer = "gallery-replication";

    /// <summary>The claim that names the operation: <see cref="Upload"/>, <see cref="Read"/> or <see cref="Pull"/>.</summary>
    public const string Operation = "op";

    /// <summary>The claim that names what is opened: an upload id, a replica id or a content digest.</summary>
    public const string Resource = "res";

    /// <summary>Send blocks into one upload and commit it.</summary>
    public const string Upload = "upload";

    /// <summary>Read one replica.</summary>
    public const string Read = "read";

    /// <summary>Read one content on behalf of another node.</summary>
    public const string Pull = "pull";

    /// <summary>The audience of the grants for a region's nodes.</summary>
    /// <param name="region">The region's name.</param>
    public static string AudienceOf(string region) => $"region:{region}";
}
