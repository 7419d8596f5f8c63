using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Versions;

/// <summary><c>version status</c>.</summary>
internal static class VersionStatusCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var name = VersionCommands.NameArgument();
        var watch = new Option<bool>("--watch")
        {
            Description = "Follow it until nothing is left to do. Exit code 1 when a region was given up.",
        };
        var command = new Command("status", "Shows how a version is spread: a row for each region.") { name, watch };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, invocation.Get(name), names.Of(invocation));
                if (!invocation.Get(watch))
                {
                    var request = new GetReplicationStatusRequest { Version = version.ToString() };
                    var answer = await invocation.Services.Replication.GetReplicationStatusAsync(
                        request,
                        cancellationToken: invocation.Cancellation
                    );
                    Write(invocation, answer.Status);
                    return;
                }

                var status = await VersionWatcher.FollowAsync(invocation, version, WatchGoal.WhateverIsWanted);
                Write(invocation, status);
                VersionWatcher.RequireComplete(version, status);
            }
        );
    }

    /// <summary>Writes a status.</summary>
    public static void Write(Invocation invocation, ReplicationStatus status) =>
        invocation.Result.WriteParts(
            status,
            status.Summary,
            new Column<RegionalReplicationStatus>("REGION", row => row.Region),
            new Column<RegionalReplicationStatus>("STATE", row => Human.Words(row.State)),
            new Column<RegionalReplicationStatus>("PROGRESS", row => $"{row.Progress} %", AlignRight: true),
            new Column<RegionalReplicationStatus>("REPLICAS", row => $"{row.ReadyReplicaCount}/{row.TargetReplicaCount}", AlignRight: true),
            new Column<RegionalReplicationStatus>("COPIED", row => Human.Bytes(row.CopiedBytes), AlignRight: true),
            new Column<RegionalReplicationStatus>("CROSSED BORDERS", row => Human.Bytes(row.TransferredBytes), AlignRight: true),
            new Column<RegionalReplicationStatus>(
                "RATE",
                row => row.BytesPerSecond > 0 ? $"{Human.Bytes(row.BytesPerSecond)}/s" : "",
                AlignRight: true
            ),
            new Column<RegionalReplicationStatus>("LEFT", row => Human.Span(row.TimeLeft), AlignRight: true),
            new Column<RegionalReplicationStatus>("RETRY", row => Human.Time(row.RetryTime)),
            new Column<RegionalReplicationStatus>("DETAILS", row => row.Details)
        );
}
