namespace Gallery.Cli.Output;

/// <summary>A column of a table.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Text">What it shows of a row.</param>
/// <param name="AlignRight">True for numbers.</param>
internal sealed record Column<T>(string Title, Func<T, string> Text, bool AlignRight = false);
