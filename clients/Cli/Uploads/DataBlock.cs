namespace Gallery.Cli.Uploads;

/// <summary>A block of a file that holds something.</summary>
/// <param name="Index">Its position.</param>
/// <param name="Digest">Its SHA-256 digest, 32 bytes.</param>
/// <param name="Data">Its bytes.</param>
internal readonly record struct DataBlock(long Index, ReadOnlyMemory<byte> Digest, ReadOnlyMemory<byte> Data);
