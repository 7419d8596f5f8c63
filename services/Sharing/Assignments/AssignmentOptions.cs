using System.ComponentModel.DataAnnotations;

namespace Gallery.Sharing.Assignments;

/// <summary>Settings of role assignments, section <c>Assignments</c>.</summary>
internal sealed class AssignmentOptions
{
    /// <summary>How many role assignments a subscription may have.</summary>
    [Range(1, 100_000)]
    public int MaxPerSubscription { get; set; } = 4_000;
}
