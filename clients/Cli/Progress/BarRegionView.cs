using Gallery.Contracts.Common.V1;
using Spectre.Console;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.Cli.Progress;

/// <summary>Rows as bars on a terminal.</summary>
internal sealed class BarRegionView(ProgressContext context) : IRegionView
{
    private readonly Dictionary<string, ProgressTask> bars = [];
    private ProgressTask? note;

    /// <inheritdoc />
    public void Show(ReplicationStatus status)
    {
        if (note is not null)
        {
            note.StopTask();
            note.Description = "";
        }

        foreach (var row in status.Summary)
        {
            if (!bars.TryGetValue(row.Region, out var bar))
            {
                bars[row.Region] = bar = context.AddTask(Markup.Escape(row.Region), maxValue: 100);
            }

            var text = Markup.Escape(RegionLine.BesideBar(row));
            bar.Description = Colour(row.State) is { } colour
                ? $"{Markup.Escape(row.Region)} [{colour}]{text}[/]"
                : $"{Markup.Escape(row.Region)} {text}";
            bar.Value = row.State == RegionalReplicationState.Completed ? 100 : Math.Min(row.Progress, 99);
            if (row.State is RegionalReplicationState.Failed or RegionalReplicationState.Cancelled)
            {
                bar.StopTask();
            }
        }

        context.Refresh();
    }

    /// <inheritdoc />
    public void Note(string text)
    {
        note ??= context.AddTask("", maxValue: 100);
        note.Description = $"[yellow]{Markup.Escape(text)}[/]";
        context.Refresh();
    }

    private static string? Colour(RegionalReplicationState state) =>
        state switch
        {
            RegionalReplicationState.Completed => "green",
            RegionalReplicationState.Failed => "red",
            RegionalReplicationState.Cancelled => "yellow",
            _ => null,
        };
}
