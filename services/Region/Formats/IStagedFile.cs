namespace Gallery.Region.Formats;

/// <summary>A file that was brought in, at any offset. Format readers see nothing else of it.</summary>
internal interface IStagedFile
{
    /// <summary>Bytes of the file.</summary>
    long Length { get; }

    /// <summary>Fills the destination from an offset; both must lie within the file.</summary>
    ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);
}
