namespace Gallery.Sharing.Seeds;

/// <summary>What a new installation starts with, section <c>Seed</c>.</summary>
internal sealed class SeedOptions
{
    /// <summary>Subscriptions of the directory.</summary>
    public IList<SubscriptionSeed> Subscriptions { get; set; } = [];

    /// <summary>Role assignments.</summary>
    public IList<AssignmentSeed> Assignments { get; set; } = [];
}

/// <summary>A subscription to enter.</summary>
internal sealed class SubscriptionSeed
{
    /// <summary>A UUID.</summary>
    public string Id { get; set; } = "";

    /// <summary>The tenant that it belongs to, a UUID.</summary>
    public string TenantId { get; set; } = "";

    /// <summary>Its name for people; the id when not given.</summary>
    public string DisplayName { get; set; } = "";
}

/// <summary>A role to give.</summary>
internal sealed class AssignmentSeed
{
    /// <summary>The object id of a user, service principal or group, a UUID.</summary>
    public string PrincipalId { get; set; } = "";

    /// <summary>The tenant of the principal, a UUID; the subscription's when not given.</summary>
    public string PrincipalTenantId { get; set; } = "";

    /// <summary><c>User</c>, <c>Group</c> or <c>ServicePrincipal</c>.</summary>
    public string PrincipalType { get; set; } = "User";

    /// <summary>The role's id.</summary>
    public string RoleId { get; set; } = "";

    /// <summary>A resource name within one of the directory's subscriptions.</summary>
    public string Scope { get; set; } = "";
}
