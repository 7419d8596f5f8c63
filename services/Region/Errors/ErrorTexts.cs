namespace Gallery.Region.Errors;

/// <summary>What is quoted back to a caller stays short.</summary>
internal static class ErrorTexts
{
    private const int Longest = 256;

    /// <summary>Cuts what a caller sent.</summary>
    public static string Shorten(string text) => text.Length <= Longest ? text : text[..Longest] + "…";
}
