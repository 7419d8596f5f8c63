using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;
using Spectre.Console;

namespace Gallery.Cli.Progress;

/// <summary>Shows how far long work is, on standard error: bars on a terminal, plain lines otherwise.</summary>
internal sealed class ProgressPainter(Surroundings surroundings)
{
    /// <summary>Says something once, between the bars.</summary>
    public void Say(string text) => surroundings.Error.WriteLine(text);

    /// <summary>Shows a version's regions while they are being watched.</summary>
    public async Task<ReplicationStatus> ShowRegionsAsync(Func<IRegionView, Task<ReplicationStatus>> watch)
    {
        if (surroundings.ErrorIsTerminal)
        {
            return await Bars(
                    new TaskDescriptionColumn { Alignment = Justify.Left },
                    new ProgressBarColumn { Width = 30 },
                    new PercentageColumn()
                )
                .StartAsync(context => watch(new BarRegionView(context)));
        }

        using var lines = new PlainRegionView(surroundings.Error, surroundings.Time);
        return await watch(lines);
    }

    /// <summary>Shows a transfer while it is made.</summary>
    public async Task<T> ShowTransferAsync<T>(string title, Func<IProgress<TransferProgress>, Task<T>> transfer)
    {
        if (surroundings.ErrorIsTerminal)
        {
            return await Bars(
                    new TaskDescriptionColumn { Alignment = Justify.Left },
                    new ProgressBarColumn { Width = 30 },
                    new PercentageColumn(),
                    new DownloadedColumn { Base = FileSizeBase.Binary },
                    new TransferSpeedColumn { Base = FileSizeBase.Binary },
                    new RemainingTimeColumn()
                )
                .StartAsync(context => transfer(new BarTransferView(context.AddTask(Markup.Escape(title), maxValue: 1))));
        }

        var lines = new PlainTransferView(title, surroundings.Error, surroundings.Time);
        var result = await transfer(lines);
        lines.Finish();
        return result;
    }

    private Spectre.Console.Progress Bars(params ProgressColumn[] columns) =>
        Terminals.Terminal(surroundings.Error).Progress().AutoClear(false).HideCompleted(false).Columns(columns);

    private sealed class BarTransferView(ProgressTask bar) : IProgress<TransferProgress>
    {
        private readonly Lock gate = new();

        public void Report(TransferProgress value)
        {
            lock (gate)
            {
                bar.MaxValue = Math.Max(value.TotalBytes, 1);
                bar.Value = value.TotalBytes == 0 ? 1 : value.DoneBytes;
            }
        }
    }
}
