using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Gallery.ServiceDefaults.Resilience;

/// <summary>The strategies that every pipeline of the gallery is made of.</summary>
public static class GalleryStrategies
{
    /// <summary>Set to false in the context of an execution that must not be repeated.</summary>
    public static readonly ResiliencePropertyKey<bool> MayRetry = new("gallery.may-retry");

    /// <summary>Adds retries around a circuit breaker around a time limit for each attempt.</summary>
    /// <param name="builder">The pipeline's builder.</param>
    /// <param name="name">The pipeline's name: its circuit is known by it.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="circuits">Where the circuit's state is to be seen.</param>
    public static ResiliencePipelineBuilder AddGalleryStrategies(
        this ResiliencePipelineBuilder builder,
        string name,
        GalleryPipelineOptions options,
        CircuitStates circuits
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(circuits);
        if (options.MaxRetries > 0)
        {
            builder.AddRetry(
                new RetryStrategyOptions
                {
                    MaxRetryAttempts = options.MaxRetries,
                    Delay = options.BaseDelay,
                    MaxDelay = options.MaxDelay,
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    ShouldHandle = arguments =>
                        ValueTask.FromResult(
                            arguments.Context.Properties.GetValue(MayRetry, true)
                                && arguments.Outcome.Exception is { } error
                                && options.ShouldHandle(error)
                        ),
                }
            );
        }

        return builder
            .AddCircuitBreaker(
                new CircuitBreakerStrategyOptions
                {
                    FailureRatio = options.FailureRatio,
                    MinimumThroughput = options.MinimumThroughput,
                    SamplingDuration = options.SamplingDuration,
                    BreakDuration = options.BreakDuration,
                    StateProvider = circuits.Register(name),
                    ShouldHandle = arguments =>
                        ValueTask.FromResult(arguments.Outcome.Exception is { } error && options.ShouldHandle(error)),
                }
            )
            .AddTimeout(new TimeoutStrategyOptions { Timeout = options.AttemptTimeout });
    }
}
