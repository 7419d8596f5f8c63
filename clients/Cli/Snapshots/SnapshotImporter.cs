using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Cli.Progress;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Snapshots;

/// <summary>Has a region fetch a file by itself, and follows it.</summary>
internal sealed class SnapshotImporter(Invocation invocation)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>The address that was typed; <c>-</c> takes it from standard input, since one with a signature is a secret.</summary>
    /// <exception cref="CommandFailure">It is none.</exception>
    public async Task<string> ReadUriAsync(string typed)
    {
        var uri = typed == "-" ? (await invocation.Surroundings.In.ReadLineAsync(invocation.Cancellation))?.Trim() ?? "" : typed;
        return Uri.TryCreate(uri, UriKind.Absolute, out var parsed) && parsed.Scheme is "file" or "http" or "https"
            ? uri
            : throw CommandFailure.Usage(
                "That is not an address to import from.",
                "Expected: https://…, http://… or file:///…, or - to read it from standard input."
            );
    }

    /// <summary>Begins an import, or goes on with it.</summary>
    /// <param name="group">The resource group to put the snapshot in.</param>
    /// <param name="id">The name to give it.</param>
    /// <param name="region">The region that fetches it.</param>
    /// <param name="format">The file's format.</param>
    /// <param name="uri">Where it lies.</param>
    /// <param name="tags">Labels, <c>KEY=VALUE</c>.</param>
    public async Task<Snapshot> BeginAsync(
        ResourceName group,
        string id,
        string region,
        DiskFormat format,
        string uri,
        IReadOnlyList<string>? tags = null
    )
    {
        var request = new CreateSnapshotRequest
        {
            Parent = group.ToString(),
            SnapshotId = id,
            Region = region,
            Format = format,
            ImportSource = new ImportSource { Uri = uri },
        };
        TagOption.Fill(request.Tags, [.. tags ?? []]);
        return (await invocation.Services.Snapshots.CreateSnapshotAsync(request, cancellationToken: invocation.Cancellation)).Snapshot;
    }

    /// <summary>Waits until it is ready.</summary>
    /// <exception cref="CommandFailure">It failed.</exception>
    public async Task<Snapshot> FollowAsync(Snapshot begun)
    {
        try
        {
            return await invocation.Progress.ShowTransferAsync(
                $"importing {begun.Import?.Uri}",
                progress => UntilEndAsync(begun, progress)
            );
        }
        catch (OperationCanceledException)
        {
            invocation.Progress.Say(
                $"The import goes on. Follow it with: gallery snapshot show {begun.Name}; end it with: gallery snapshot delete {begun.Name}"
            );
            throw;
        }
    }

    private async Task<Snapshot> UntilEndAsync(Snapshot snapshot, IProgress<TransferProgress> progress)
    {
        var said = "";
        while (true)
        {
            var import = snapshot.Import ?? new SnapshotImport();
            // 0 until the file is found.
            if (snapshot.FileSizeBytes > 0)
            {
                progress.Report(new TransferProgress(import.DoneBytes, snapshot.FileSizeBytes, import.FetchedBytes));
            }

            switch (snapshot.State)
            {
                case SnapshotState.Ready:
                    return snapshot;
                case SnapshotState.Failed:
                    throw CommandFailure.Failed(
                        $"The import failed ({Human.Words(import.FailureReason)}): {import.Details}",
                        "The same command begins it anew; 'gallery snapshot delete' removes what is left of it."
                    );
            }

            if (import.Details.Length > 0 && import.Details != said)
            {
                invocation.Progress.Say($"{import.Details} It is tried again.");
            }

            said = import.Details;
            await Task.Delay(Interval, invocation.Surroundings.Time, invocation.Cancellation);
            var ask = new GetSnapshotRequest { Name = snapshot.Name };
            snapshot = (await invocation.Services.Snapshots.GetSnapshotAsync(ask, cancellationToken: invocation.Cancellation)).Snapshot;
        }
    }
}
