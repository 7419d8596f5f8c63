using System.Net;
using System.Net.Http.Headers;
using Gallery.Region.Formats;

namespace Gallery.Region.Imports;

/// <summary>
/// A file of a web server, read in ranges. Its version is pinned by the entity tag, or else by the time of its last change: every request asks for
/// that version, and every answer is checked to be of it.
/// </summary>
internal sealed class HttpSource : IImportSource
{
    private const int MaxRedirects = 5;

    /// <summary>Bytes that must come in as many requests as are repeated, else the server counts as away.</summary>
    private const int LeastProgress = 64 * 1024;

    private readonly ImportUri _uri;
    private readonly GuardedHttp _http;
    private readonly HostRules _rules;
    private readonly HttpAttempts _attempts;
    private bool _begun;
    private EntityTagHeaderValue? _etag;
    private DateTimeOffset? _changed;
    private DataMap? _map;

    private HttpSource(ImportUri uri, GuardedHttp http, HostRules rules, ImportOptions options, bool begun)
    {
        _begun = begun;
        _uri = uri;
        _http = http;
        _rules = rules;
        _attempts = new HttpAttempts(uri, options);
    }

    /// <inheritdoc/>
    public long Length { get; private set; }

    /// <inheritdoc/>
    public string Version => $"{Length} {(_etag is not null ? _etag.ToString() : $"{_changed:O}")}";

    /// <summary>Looks at the file: its length, its version, whether ranges of it can be had, and, for a page blob, where its data lies.</summary>
    /// <param name="uri">Where it is.</param>
    /// <param name="http">The client.</param>
    /// <param name="rules">Which hosts are allowed.</param>
    /// <param name="options">How often to repeat.</param>
    /// <param name="begun">True when parts of it were read before, so that its address was good then.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="RegionException">It can't be imported.</exception>
    /// <exception cref="SourceAwayException">The server does not answer, or the address is not good any more.</exception>
    public static async Task<HttpSource> OpenAsync(
        ImportUri uri,
        GuardedHttp http,
        HostRules rules,
        ImportOptions options,
        bool begun,
        CancellationToken cancellationToken
    )
    {
        var source = new HttpSource(uri, http, rules, options, begun);
        var isPageBlob = await source._attempts.RunAsync(source.LookAsync, cancellationToken);
        if (isPageBlob)
        {
            source._map = await source._attempts.RunAsync(
                token => PageBlobMap.ReadAsync(uri, source._etag, http, token),
                cancellationToken
            );
        }

        return source;
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var count = (int)Math.Min(destination.Length, Math.Max(0, Length - offset));
        var have = 0;
        while (have < count)
        {
            var before = have;
            try
            {
                await _attempts.RunAsync(ReadOnAsync, cancellationToken);
            }
            catch (SourceAwayException) when (have - before >= LeastProgress)
            {
                // A slow server, or one that breaks off again and again, and yet it gets on.
            }
        }

        return count;

        // What has come stays: each request is for the rest.
        async Task<int> ReadOnAsync(CancellationToken token)
        {
            using var answer = await SendAsync(offset + have, count - have, token);
            await using var body = await answer.Content.ReadAsStreamAsync(token);
            while (have < count)
            {
                var read = await body.ReadAsync(destination[have..count], token);
                have += read > 0 ? read : throw new EndOfStreamException();
            }

            return have;
        }
    }

    /// <inheritdoc/>
    public ValueTask<FileRun> NextDataAsync(long offset, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_map?.Next(offset, Length) ?? new FileRun(offset, Math.Max(0, Length - offset)));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(0, 1, cancellationToken);
        _begun = true;
        Length = answer.Content.Headers.ContentRange!.Length!.Value;
        _etag = answer.Headers.ETag is { IsWeak: false } etag ? etag : null;
        _changed = answer.Content.Headers.LastModified;
        if (_etag is null && _changed is null)
        {
            throw ImportErrors.NotUsable(
                $"The server of {_uri} names no version of it (ETag or Last-Modified): a change could go unnoticed."
            );
        }

        return answer.Headers.TryGetValues("x-ms-blob-type", out var types) && types.Contains("PageBlob");
    }

    /// <summary>Asks for a range and checks that the answer is that range of that version. Redirects are followed within the rules.</summary>
    private async Task<HttpResponseMessage> SendAsync(long offset, int length, CancellationToken cancellationToken)
    {
        var address = _uri.Secret;
        for (var turn = 0; turn <= MaxRedirects; turn++)
        {
            _rules.Check(address);
            using var request = new HttpRequestMessage(HttpMethod.Get, address)
            {
                Version = HttpVersion.Version11,
                Headers = { Range = new RangeHeaderValue(offset, offset + length - 1) },
            };
            request.Headers.AcceptEncoding.ParseAdd("identity");
            if (_etag is not null)
            {
                request.Headers.IfMatch.Add(_etag);
            }
            else if (_changed is not null)
            {
                request.Headers.IfUnmodifiedSince = _changed;
            }

            var answer = await _http.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            try
            {
                if (answer.StatusCode == HttpStatusCode.PartialContent)
                {
                    CheckRange(answer, offset, length);
                    return answer;
                }

                address = RedirectOf(answer, address) ?? throw FailureOf(answer);
                answer.Dispose();
            }
            catch
            {
                answer.Dispose();
                throw;
            }
        }

        throw ImportErrors.NotUsable($"{_uri} is redirected more than {MaxRedirects} times.");
    }

    private void CheckRange(HttpResponseMessage answer, long offset, int length)
    {
        var range = answer.Content.Headers.ContentRange;
        if (range is not { Unit: "bytes", HasRange: true, HasLength: true } || range.From != offset || range.To != offset + length - 1)
        {
            throw ImportErrors.NotUsable(
                $"The server of {_uri} answers with another range than was asked for, or without the length of the file."
            );
        }

        var sameTag = _etag is null || Equals(answer.Headers.ETag, _etag);
        var sameTime = _etag is not null || _changed is null || answer.Content.Headers.LastModified == _changed;
        if ((Length > 0 && range.Length != Length) || !sameTag || !sameTime)
        {
            throw ImportErrors.Changed(_uri);
        }
    }

    private Uri? RedirectOf(HttpResponseMessage answer, Uri from)
    {
        if (
            answer.StatusCode
                is not (
                    HttpStatusCode.MovedPermanently
                    or HttpStatusCode.Found
                    or HttpStatusCode.SeeOther
                    or HttpStatusCode.TemporaryRedirect
                    or HttpStatusCode.PermanentRedirect
                )
            || answer.Headers.Location is not { } location
        )
        {
            return null;
        }

        var to = location.IsAbsoluteUri ? location : new Uri(from, location);
        return to.Scheme == Uri.UriSchemeHttps || (to.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp)
            ? to
            : throw ImportErrors.NotUsable(
                $"{_uri} is redirected to an address that is not fetched from there: http: and https: are, and from https: only https:."
            );
    }

    private Exception FailureOf(HttpResponseMessage answer)
    {
        var status = (int)answer.StatusCode;
        return answer.StatusCode switch
        {
            HttpStatusCode.OK => ImportErrors.NotUsable(
                $"The server of {_uri} gives out no ranges, or does not know the length of the file."
            ),
            HttpStatusCode.PreconditionFailed => ImportErrors.Changed(_uri),
            HttpStatusCode.RequestedRangeNotSatisfiable => Length > 0
                ? ImportErrors.Changed(_uri)
                : ImportErrors.NotUsable($"{_uri} is empty."),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError =>
                new SourceAwayException($"The server of {_uri} answers {status}.", RetryAfterOf(answer)),
            // A signature has a date of expiry; the import can go on by an address with a fresh one.
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when _begun => new SourceAwayException(
                $"The server of {_uri} answers {status}: the address is not good any more. Send a fresh one by CreateSnapshot."
            ),
            _ => ImportErrors.NotUsable(
                $"The server of {_uri} answers {status} ({answer.StatusCode}): the file is gone, or may not be read by this address."
            ),
        };
    }

    private static TimeSpan? RetryAfterOf(HttpResponseMessage answer) =>
        answer.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } when date > DateTimeOffset.UtcNow => date - DateTimeOffset.UtcNow,
            _ => null,
        };
}
