using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Progress;

/// <summary>Shows how a version spreads over its regions.</summary>
internal interface IRegionView
{
    /// <summary>Shows the rows as they are now.</summary>
    void Show(ReplicationStatus status);

    /// <summary>Says something about all of them.</summary>
    void Note(string text);
}
