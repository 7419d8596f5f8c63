using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Snapshots;

/// <summary><c>snapshot import|show|list|delete</c>: the disks that versions were made from.</summary>
internal static class SnapshotCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("snapshot", "Snapshots: the disks that versions are made from.")
        {
            SnapshotImportCommand.Create(host),
            Show(host),
            List(host),
            Delete(host),
        };

    /// <summary>Writes a snapshot.</summary>
    public static void Write(Invocation invocation, Snapshot snapshot) =>
        invocation.Result.WriteResource(
            snapshot,
            [
                ("Name", snapshot.Name),
                ("State", Human.Words(snapshot.State)),
                ("Region", snapshot.Region),
                ("File size", Human.Bytes(snapshot.FileSizeBytes)),
                ("Format", Human.Words(snapshot.Format)),
                ("Content", snapshot.Content?.Digest ?? ""),
                ("Virtual size", snapshot.Content is { } disk ? Human.Bytes(disk.VirtualSizeBytes) : ""),
                ("Occupied size", snapshot.Content is { } content ? Human.Bytes(content.OccupiedSizeBytes) : ""),
                ("Imported from", snapshot.Import?.Uri ?? ""),
                ("In place", snapshot.Import is { } import ? Human.Bytes(import.DoneBytes) : ""),
                ("Fetched", snapshot.Import is { } fetch ? Human.Bytes(fetch.FetchedBytes) : ""),
                ("Details", snapshot.Import?.Details ?? ""),
                ("Sent", Human.Bytes(snapshot.ReceivedBytes)),
                ("Created", Human.Time(snapshot.CreateTime)),
                ("Committed", Human.Time(snapshot.CommitTime)),
                ("Dropped if not committed by", snapshot.CommitTime is null ? Human.Time(snapshot.ExpireTime) : ""),
            ]
        );

    private static Argument<string> NameArgument() => new("NAME") { Description = "The snapshot's name. Also a full name." };

    private static Command Show(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("show", "Shows a snapshot.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new GetSnapshotRequest { Name = Resolve(invocation, invocation.Required(name), names) };
                var snapshot = (
                    await invocation.Services.Snapshots.GetSnapshotAsync(request, cancellationToken: invocation.Cancellation)
                ).Snapshot;
                Write(invocation, snapshot);
            }
        );
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the snapshots of a resource group, or of the whole subscription.");
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var parts = names.Of(invocation);
                var parent = parts.Group is null
                    ? $"subscriptions/{invocation.Subscription()}"
                    : invocation.Resolve(ResourceKind.Group, null, parts).ToString();
                var snapshots = await Pages.ReadAllAsync(async page =>
                {
                    var request = new ListSnapshotsRequest
                    {
                        Parent = parent,
                        PageSize = Pages.Size,
                        PageToken = page,
                    };
                    var answer = await invocation.Services.Snapshots.ListSnapshotsAsync(
                        request,
                        cancellationToken: invocation.Cancellation
                    );
                    return ((IEnumerable<Snapshot>)answer.Snapshots, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    snapshots,
                    new Column<Snapshot>("NAME", snapshot => snapshot.Name.Split('/')[^1]),
                    new Column<Snapshot>("GROUP", snapshot => snapshot.Name.Split('/') is [_, _, _, var group, ..] ? group : ""),
                    new Column<Snapshot>("STATE", snapshot => Human.Words(snapshot.State)),
                    new Column<Snapshot>("REGION", snapshot => snapshot.Region),
                    new Column<Snapshot>(
                        "OCCUPIED",
                        snapshot => snapshot.Content is { } content ? Human.Bytes(content.OccupiedSizeBytes) : "",
                        AlignRight: true
                    ),
                    new Column<Snapshot>("CREATED", snapshot => Human.Time(snapshot.CreateTime))
                );
            }
        );
    }

    private static Command Delete(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("delete", "Deletes a snapshot. Versions made from it are complete in themselves and stay.") { name };
        var names = NameOptions.AddTo(command, ResourceKind.Group);
        return host.Handle(
            command,
            async invocation =>
            {
                var full = Resolve(invocation, invocation.Required(name), names);
                await invocation.Services.Snapshots.DeleteSnapshotAsync(
                    new DeleteSnapshotRequest { Name = full },
                    cancellationToken: invocation.Cancellation
                );
                invocation.Result.WriteFact($"Deleted snapshot {full.Split('/')[^1]}.", ("deleted", full));
            }
        );
    }

    private static string Resolve(Invocation invocation, string name, NameOptions names)
    {
        if (ResourceName.IsFull(name))
        {
            return name.Trim('/');
        }

        return name.Split('/') switch
        {
            [{ Length: > 0 } id] => $"{invocation.Resolve(ResourceKind.Group, null, names.Of(invocation))}/snapshots/{id}",
            [{ Length: > 0 } group, { Length: > 0 } id] =>
                $"{invocation.Resolve(ResourceKind.Group, group, names.Of(invocation))}/snapshots/{id}",
            _ => throw CommandFailure.Usage(
                $"'{name}' is not the name of a snapshot.",
                "Expected: NAME with --group, GROUP/NAME, or a full name."
            ),
        };
    }
}
