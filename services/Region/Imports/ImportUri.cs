namespace Gallery.Region.Imports;

/// <summary>
/// Where a file is fetched from. The query of a web address may be a signature, hence a secret: it is in <see cref="Secret"/> alone, and
/// everything that is shown, logged or kept is made from <see cref="ToString"/>.
/// </summary>
internal sealed class ImportUri
{
    private const int Longest = 4096;

    private ImportUri(Uri secret)
    {
        Secret = secret;
        Shown = new UriBuilder(secret) { Query = "", Fragment = "" }.Uri;
    }

    /// <summary>The whole address. A secret.</summary>
    public Uri Secret { get; }

    /// <summary>True for a file of this machine.</summary>
    public bool IsFile => Secret.IsFile;

    private Uri Shown { get; }

    /// <summary>Reads an address.</summary>
    /// <exception cref="RegionException">It is malformed.</exception>
    public static ImportUri Parse(string text)
    {
        if (text.Length is 0 or > Longest || !Uri.TryCreate(text, UriKind.Absolute, out var uri))
        {
            throw ImportErrors.NotAllowed($"an address of at most {Longest} characters that begins with file:, http: or https:.");
        }

        if (uri.Scheme is not ("file" or "http" or "https"))
        {
            throw ImportErrors.NotAllowed($"'{ErrorTexts.Shorten(uri.Scheme)}:' is not fetched; file:, http: and https: are.");
        }

        if (uri.UserInfo.Length > 0)
        {
            throw ImportErrors.NotAllowed("a name and a password in the address are not sent; use an address that is signed in its query.");
        }

        return uri.IsFile && uri.Host.Length > 0
            ? throw ImportErrors.NotAllowed("a file: address names a path of the node's machine and no host: file:///folder/disk.raw.")
            : new ImportUri(uri);
    }

    /// <summary>The address without its query.</summary>
    public override string ToString() => ErrorTexts.Shorten(Shown.ToString());
}
