namespace Gallery.Region.Content.Views;

/// <summary>A disk as a file of some format. The same content gives the same bytes from every replica, so ranges of several may be put together.</summary>
internal interface IDiskView
{
    /// <summary>Bytes of the file.</summary>
    long Length { get; }

    /// <summary>The pieces of a range that lies within the file, from its first to its last byte without gaps.</summary>
    IAsyncEnumerable<DiskPiece> ReadAsync(long offset, long length, CancellationToken cancellationToken);
}
