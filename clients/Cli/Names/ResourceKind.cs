namespace Gallery.Cli.Names;

/// <summary>What a name names; the number is how many segments it has under the subscription.</summary>
internal enum ResourceKind
{
    /// <summary>A resource group.</summary>
    Group = 1,

    /// <summary>A gallery.</summary>
    Gallery = 2,

    /// <summary>An image definition.</summary>
    Definition = 3,

    /// <summary>An image version.</summary>
    Version = 4,
}
