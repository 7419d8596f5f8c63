using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Regions;

/// <summary>How a region is.</summary>
/// <param name="Region">Its name.</param>
/// <param name="Record">What its node told, or failed to tell, last.</param>
/// <param name="Drained">Whether it was taken out of use.</param>
/// <param name="Etag">Of the record; empty when there is none.</param>
internal sealed record RegionHealth(string Region, RegionHealthRecord Record, bool Drained, string Etag)
{
    /// <summary>Why and when it was taken out of use; empty while it is in use.</summary>
    public DrainRecord Drain { get; init; } = new();

    /// <summary>Its state: that nobody can reach it says more than that nobody should.</summary>
    public RegionState State =>
        Record.State == RegionState.Down ? RegionState.Down
        : Drained ? RegionState.Draining
        : Record.State;

    /// <summary>What is wrong; empty when nothing is.</summary>
    public string Details =>
        Record.State == RegionState.Down || !Drained ? Record.Details
        : Record.Details.Length == 0 ? DrainDetails
        : $"{DrainDetails}; {Record.Details}";

    /// <summary>That it is being drained, and why.</summary>
    public string DrainDetails => Drain.Reason.Length == 0 ? "being drained" : $"being drained: {Drain.Reason}";

    /// <summary>Since when it is in its state; null before it was asked.</summary>
    public Timestamp? StateTime => State == RegionState.Draining ? Drain.Time : Record.StateTime;

    /// <summary>Whether its node answers, as far as is known.</summary>
    public bool Answers => Record.State != RegionState.Down;

    /// <summary>Whether nothing is known that keeps it from giving bytes: it may be full or drained.</summary>
    public bool GivesBytes => Answers && !Record.Failing && Record.Zones.All(zone => zone.Healthy);
}
