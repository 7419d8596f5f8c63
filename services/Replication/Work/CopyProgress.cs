using Gallery.Contracts.Region.V1;
using Gallery.Replication.Records;

namespace Gallery.Replication.Work;

/// <summary>How fast one copy is, from what its node tells of it, smoothed over some seconds. For one thread.</summary>
internal sealed class CopyProgress(ReplicationTelemetry telemetry, ClaimedReplica work, TimeProvider clock) : IDisposable
{
    // The rate follows a lasting change within about so many seconds, and jumps with no single message.
    private const double Memory = 3;

    private readonly string _region = work.Replica.Region;
    private long _time;
    private long _copied = -1;
    private long _transferred = work.Replica.TransferredBytes;
    private double _rate;
    private bool _known;
    private string _source = "";
    private long _linkRate;

    /// <summary>Takes in what the node told.</summary>
    public void Add(NodeReplica replica)
    {
        var now = clock.GetTimestamp();
        var crossed = Math.Max(0, replica.TransferredBytes - _transferred);
        _transferred = Math.Max(_transferred, replica.TransferredBytes);
        if (crossed > 0)
        {
            telemetry.Crossed(replica.SourceRegion, _region, crossed);
        }

        if (_copied < 0)
        {
            // What lay there before was not copied now.
            (_time, _copied) = (now, replica.CopiedBytes);
            return;
        }

        var seconds = clock.GetElapsedTime(_time, now).TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        var rate = Math.Max(0, replica.CopiedBytes - _copied) / seconds;
        var weight = _known ? 1 - Math.Exp(-seconds / Memory) : 1;
        _rate += (rate - _rate) * weight;
        (_known, _time, _copied) = (true, now, replica.CopiedBytes);
        ShowLink(replica.SourceRegion, crossed > 0 ? (long)_rate : 0);
    }

    /// <summary>The progress to be written down.</summary>
    public ProgressRecord Record(NodeReplica replica) =>
        new()
        {
            Token = work.Token,
            CopiedBytes = replica.CopiedBytes,
            TransferredBytes = replica.TransferredBytes,
            SourceRegion = replica.SourceRegion,
            Verifying = replica.State == NodeReplicaState.Verifying,
            BytesPerSecond = replica.State == NodeReplicaState.Copying ? (long)_rate : 0,
        };

    /// <summary>The copy has ended, however it did.</summary>
    public void Dispose() => ShowLink("", 0);

    private void ShowLink(string source, long rate)
    {
        telemetry.LinkRate(_source, _region, -_linkRate);
        telemetry.LinkRate(source, _region, rate);
        (_source, _linkRate) = (source, rate);
    }
}
