namespace Gallery.Cli.Output;

/// <summary>How results are written.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Table,

    /// <summary>For scripts: the protobuf JSON of the resource, or an array of them.</summary>
    Json,
}
