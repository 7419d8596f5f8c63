using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;

namespace Gallery.Replication.Regions;

/// <summary>How a region is.</summary>
/// <param name="Region">Its name.</param>
/// <param name="Record">What its node told, or failed to tell, last.</param>
/// <param name="Drained">Whether it was taken out of use.</param>
/// <param name="Etag">Of the record; empty when there is none.</param>
internal sealed record RegionHealth(string Region, RegionHealthRecord Record, bool Drained, string Etag)
{
    /// <summary>Its state: that nobody can reach it says more than that nobody should.</summary>
    public RegionState State =>
        Record.State == RegionState.Down ? RegionState.Down
        : Drained ? RegionState.Draining
        : Record.State;

    /// <summary>Whether its node answers, as far as is known.</summary>
    public bool Answers => Record.State != RegionState.Down;
}
