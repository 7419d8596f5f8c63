using System.ComponentModel.DataAnnotations;

namespace Gallery.Replication.Regions;

/// <summary>A region as the installation sets it up, section <c>Regions:{i}</c>.</summary>
internal sealed class RegionOptions
{
    /// <summary>Its canonical name: <c>eastus</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its name for people; the canonical one when empty.</summary>
    public string DisplayName { get; set; } = "";

    /// <summary>Zones it has: 1 or 3.</summary>
    public int Zones { get; set; } = 1;

    /// <summary>Whether a subscription needs an approval to use it.</summary>
    public bool Restricted { get; set; }

    /// <summary>The continent, which decides the price of egress.</summary>
    public string Continent { get; set; } = "";

    /// <summary>The gRPC address of its node.</summary>
    public string GrpcUrl { get; set; } = "";

    /// <summary>The HTTP address of its node.</summary>
    public string HttpUrl { get; set; } = "";
}

/// <summary>The regions of the installation, section <c>Regions</c>, and how they are watched, section <c>RegionMonitor</c>.</summary>
internal sealed class RegionMonitorOptions
{
    /// <summary>How often a node is asked how it is.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a node may take to answer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>After so many heartbeats without an answer a region is down.</summary>
    [Range(1, 100)]
    public int MissedLimit { get; set; } = 2;

    /// <summary>After so many good heartbeats in a row a region counts as better than it was.</summary>
    [Range(1, 100)]
    public int RecoverLimit { get; set; } = 2;

    /// <summary>When so many copies failed because of a region within <see cref="FaultWindow"/>, it is degraded until none failed for as long.</summary>
    [Range(1, 100)]
    public int FaultLimit { get; set; } = 3;

    /// <summary>For how long a failed copy is held against a region.</summary>
    public TimeSpan FaultWindow { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>Principals who run the installation, section <c>Operators:{i}</c>: they drain regions and review access to restricted ones.</summary>
internal sealed class OperatorOptions
{
    /// <summary>The tenant.</summary>
    public string TenantId { get; set; } = "";

    /// <summary>The user or service principal.</summary>
    public string ObjectId { get; set; } = "";
}
