using Gallery.Contracts.Common.V1;
using Gallery.Region.Formats;

namespace Gallery.Region.Imports;

/// <summary>
/// A file that is fetched: a local or a remote one, of which several ranges may be read at once. It is always the same version. Reading fails with a
/// <see cref="RegionException"/> when the file is gone, has changed or may not be read, and with a <see cref="SourceAwayException"/> when it does not
/// answer, after some repetitions.
/// </summary>
internal interface IImportSource : IRandomAccessFile, IAsyncDisposable
{
    /// <summary>Names the version of the file: another one has another name.</summary>
    string Version { get; }
}

/// <summary>The source does not answer now; asking again later may help.</summary>
internal sealed class SourceAwayException(string message, TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>When the source wants to be asked again.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>Makes the refusals of imports.</summary>
internal static class ImportErrors
{
    /// <summary>The URI is malformed, or leads where it may not.</summary>
    public static RegionException NotAllowed(string message) => new(ErrorReason.InvalidParameter, "uri: " + message);

    /// <summary>The source can't be imported, whatever is done here.</summary>
    public static RegionException NotUsable(string message) => new(ErrorReason.SourceNotUsable, message);

    /// <summary>The source is another version than the one that the import began with.</summary>
    public static RegionException Changed(ImportUri uri) =>
        NotUsable($"{uri} has changed since the import began. Delete the snapshot and import it again.");
}
