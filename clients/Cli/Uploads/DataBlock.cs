namespace Gallery.Cli.Uploads;

/// <summary>A block of a file that holds something.</summary>
/// <param name="Index">Its position.</param>
/// <param name="Data">Its bytes.</param>
internal readonly record struct DataBlock(long Index, ReadOnlyMemory<byte> Data);
