using System.ComponentModel.DataAnnotations;

namespace Gallery.ServiceDefaults.Resilience;

/// <summary>
/// Settings of a resilience pipeline: retries around a circuit breaker around a time limit. Section <c>Resilience:{name}</c>.
/// </summary>
public sealed class GalleryPipelineOptions
{
    /// <summary>How long one attempt may take.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many attempts follow the first one; 0 turns retries off.</summary>
    [Range(0, 100)]
    public int MaxRetries { get; set; } = 3;

    /// <summary>The pause after the first attempt. It doubles with each further one, with jitter.</summary>
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest pause.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The circuit opens when this part of the attempts failed.</summary>
    [Range(0.01, 1.0)]
    public double FailureRatio { get; set; } = 0.5;

    /// <summary>… of at least so many attempts.</summary>
    [Range(2, 10_000)]
    public int MinimumThroughput { get; set; } = 10;

    /// <summary>… within this time.</summary>
    public TimeSpan SamplingDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>For how long the circuit stays open before one attempt is let through.</summary>
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Which errors are worth another attempt and count against the circuit.</summary>
    public Func<Exception, bool> ShouldHandle { get; set; } = Transient.IsTransient;
}
