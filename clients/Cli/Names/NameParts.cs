namespace Gallery.Cli.Names;

/// <summary>The parts of a resource name as they stand on the command line: any of them may be missing.</summary>
/// <param name="Group">The resource group.</param>
/// <param name="Gallery">The gallery.</param>
/// <param name="Definition">The definition.</param>
/// <param name="Version">The version, <c>1.0.0</c> or <c>latest</c>.</param>
internal sealed record NameParts(string? Group = null, string? Gallery = null, string? Definition = null, string? Version = null)
{
    /// <summary>The parts in order, from the group down.</summary>
    public string?[] ToArray() => [Group, Gallery, Definition, Version];
}
