using System.Net.Http.Headers;
using Azure;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Gallery.Region.Imports;

/// <summary>Asks Azure which pages of a page blob hold data: a disk there is mostly holes.</summary>
internal static class PageBlobMap
{
    /// <summary>A blob in more pieces than these is fetched as a whole: the map would take more memory than it is worth.</summary>
    private const int MaxRuns = 1_000_000;

    /// <summary>Reads the map; null when there is none to be had.</summary>
    /// <param name="uri">The blob.</param>
    /// <param name="version">The version that the map must be of.</param>
    /// <param name="http">The client that connects only where it may.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="RegionException">The blob has changed.</exception>
    /// <exception cref="SourceAwayException">Azure does not answer.</exception>
    public static async Task<DataMap?> ReadAsync(
        ImportUri uri,
        EntityTagHeaderValue? version,
        GuardedHttp http,
        CancellationToken cancellationToken
    )
    {
        // Repeating is the caller's, as for all else that is asked of the source.
        var options = new BlobClientOptions { Transport = new HttpClientTransport(http.Client), Retry = { MaxRetries = 0 } };
        options.Diagnostics.IsLoggingEnabled = false;
        options.Diagnostics.IsDistributedTracingEnabled = false;
        var blob = new PageBlobClient(uri.Secret, options);
        var conditions = version is null ? null : new PageBlobRequestConditions { IfMatch = new ETag(version.Tag) };
        var map = new DataMap();
        try
        {
            await foreach (var range in blob.GetAllPageRangesAsync(new GetPageRangesOptions { Conditions = conditions }, cancellationToken))
            {
                if (range.IsClear)
                {
                    continue;
                }

                map.Add(range.Range.Offset, range.Range.Length ?? 0);
                if (map.Count > MaxRuns)
                {
                    return null;
                }
            }

            return map;
        }
        catch (RequestFailedException failure)
        {
            return failure.Status switch
            {
                412 => throw ImportErrors.Changed(uri),
                0 or 408 or 429 or >= 500 => throw new SourceAwayException($"The server of {uri} does not tell where its data lies."),
                // A signature may allow reading and no more: all of it is fetched then.
                _ => null,
            };
        }
    }
}
