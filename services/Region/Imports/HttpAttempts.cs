using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Gallery.Region.Imports;

/// <summary>Requests to a web server: repeated with growing pauses while it is away, and each limited in time.</summary>
internal sealed class HttpAttempts
{
    private readonly ImportUri _uri;
    private readonly ResiliencePipeline _pipeline;

    /// <summary>For the requests to one address.</summary>
    public HttpAttempts(ImportUri uri, ImportOptions options)
    {
        _uri = uri;
        _pipeline = new ResiliencePipelineBuilder()
            .AddRetry(
                new RetryStrategyOptions
                {
                    MaxRetryAttempts = Math.Max(1, options.MaxRetries),
                    Delay = options.RetryDelay,
                    MaxDelay = options.MaxRetryDelay,
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    ShouldHandle = arguments =>
                        ValueTask.FromResult(
                            options.MaxRetries > 0 && arguments.Outcome.Exception is SourceAwayException or TimeoutRejectedException
                        ),
                    DelayGenerator = arguments =>
                        ValueTask.FromResult(
                            arguments.Outcome.Exception is SourceAwayException { RetryAfter: { } wanted }
                                ? TimeSpan.FromTicks(Math.Min(wanted.Ticks, options.MaxRetryDelay.Ticks))
                                : (TimeSpan?)null
                        ),
                }
            )
            .AddTimeout(new TimeoutStrategyOptions { Timeout = options.RequestTimeout })
            .Build();
    }

    /// <summary>Repeats what failed for a moment; what failed for good comes out as a refusal.</summary>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.ExecuteAsync(async token => await TranslateAsync(work, token), cancellationToken);
        }
        catch (TimeoutRejectedException)
        {
            throw new SourceAwayException($"The server of {_uri} does not answer in time.");
        }
    }

    private async Task<T> TranslateAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work(cancellationToken);
        }
        catch (HttpRequestException exception) when (RefusalIn(exception) is { } refusal)
        {
            throw new RegionException(refusal.Reason, refusal.Message);
        }
        catch (HttpRequestException exception)
        {
            throw new SourceAwayException($"The server of {_uri} can't be reached: {exception.HttpRequestError}.");
        }
        catch (IOException)
        {
            throw new SourceAwayException($"The server of {_uri} broke off.");
        }
    }

    private static RegionException? RefusalIn(Exception? exception)
    {
        while (exception is not (null or RegionException))
        {
            exception = exception.InnerException;
        }

        return (RegionException?)exception;
    }
}
