using System.ComponentModel.DataAnnotations;

namespace Gallery.Catalog.Activity;

/// <summary>The activity log. Section <c>Activity</c>.</summary>
internal sealed class ActivityOptions
{
    /// <summary>How long entries are kept (semantics 7.2: 90 days).</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00")]
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(90);
}
