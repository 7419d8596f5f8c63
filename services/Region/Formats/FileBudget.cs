namespace Gallery.Region.Formats;

/// <summary>
/// Adds up what the tables of a file name. Every byte of a sound file belongs to one place of the disk or one table, so tables that name more
/// than the file has name something twice: that ends here, before a small file becomes endless work.
/// </summary>
/// <param name="fileLength">Bytes of the file.</param>
internal sealed class FileBudget(long fileLength)
{
    private long _taken;

    /// <summary>Counts bytes that a table names.</summary>
    /// <exception cref="InvalidDiskFormatException">They are more than the file has.</exception>
    public void Take(long bytes)
    {
        _taken += bytes;
        if (_taken > fileLength)
        {
            throw new InvalidDiskFormatException(
                $"The tables of the file name more bytes than the {fileLength} it has: they overlap, the file is damaged."
            );
        }
    }
}
