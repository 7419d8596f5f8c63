using System.ComponentModel.DataAnnotations;

namespace Gallery.ServiceDefaults.Events;

/// <summary>Settings of the event queue, section <c>Events</c>.</summary>
public sealed class EventOptions
{
    /// <summary>How often a stream is looked at when no wake-up arrives.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a handler may take.</summary>
    public TimeSpan HandlerTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After how long without a sign of life the deliveries of another consumer are taken over. Longer than <see cref="HandlerTimeout"/>.
    /// </summary>
    public TimeSpan ClaimAfter { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>
    /// After so many failed deliveries an event goes to the dead letters. Deliveries that failed because a service or store was unavailable
    /// don't lead there: such an event is tried until it comes through.
    /// </summary>
    [Range(1, 1000)]
    public int MaxDeliveries { get; set; } = 10;

    /// <summary>The pause after the first failed delivery; it doubles with each further one.</summary>
    public TimeSpan RetryBaseDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between deliveries.</summary>
    public TimeSpan RetryMaxDelay { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many events are read at once.</summary>
    [Range(1, 1000)]
    public int BatchSize { get; set; } = 32;

    /// <summary>Events about how many subjects of a partition are handled at the same time.</summary>
    [Range(1, 1000)]
    public int Parallelism { get; set; } = 16;

    /// <summary>How often a producer trims its streams.</summary>
    public TimeSpan TrimInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>For how long events are kept that no service consumes.</summary>
    public TimeSpan UnreadRetention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>The pause after a number of failed deliveries.</summary>
    internal TimeSpan RetryDelay(int deliveries)
    {
        var doublings = Math.Clamp(deliveries - 1, 0, 30);
        var delay = RetryBaseDelay * Math.Pow(2, doublings);
        return delay < RetryMaxDelay ? delay : RetryMaxDelay;
    }
}
