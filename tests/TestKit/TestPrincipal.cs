using System.Globalization;

namespace Gallery.TestKit;

/// <summary>Somebody who calls: the principals that the gallery is seeded with, or others.</summary>
/// <param name="Name">The display name.</param>
/// <param name="TenantId">The tenant (claim <c>tid</c>).</param>
/// <param name="ObjectId">The principal (claim <c>oid</c>).</param>
public sealed record TestPrincipal(string Name, string TenantId, string ObjectId)
{
    /// <summary>The tenant of everybody but <see cref="OtherOwner"/>.</summary>
    public const string TenantA = "0000000a-0000-0000-0000-000000000000";

    /// <summary>The tenant of <see cref="OtherOwner"/>.</summary>
    public const string TenantB = "0000000b-0000-0000-0000-000000000000";

    /// <summary>The subscription of tenant A.</summary>
    public const string SubscriptionA = "00000000-0000-0000-0000-00000000000a";

    /// <summary>The subscription of tenant B.</summary>
    public const string SubscriptionB = "00000000-0000-0000-0000-00000000000b";

    /// <summary>Owner of subscription A.</summary>
    public static TestPrincipal Owner { get; } = InTenantA("owner", 1);

    /// <summary>Contributor of subscription A.</summary>
    public static TestPrincipal Contributor { get; } = InTenantA("contributor", 2);

    /// <summary>Reader of subscription A.</summary>
    public static TestPrincipal Reader { get; } = InTenantA("reader", 3);

    /// <summary>A program, contributor of subscription A.</summary>
    public static TestPrincipal Pipeline { get; } = InTenantA("pipeline", 4) with { Type = "app" };

    /// <summary>Owner of subscription B, nobody in subscription A.</summary>
    public static TestPrincipal OtherOwner { get; } = new("other-owner", TenantB, "0000000b-0000-0000-0000-000000000001");

    /// <summary>What kind of principal it is (claim <c>idtyp</c>): <c>user</c> or <c>app</c>.</summary>
    public string Type { get; init; } = "user";

    /// <summary>The groups that it is a member of (claim <c>groups</c>).</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The claim <c>roles</c>: <c>gallery.service.{name}</c> makes it one of the gallery's services.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>One of the gallery's own services.</summary>
    public static TestPrincipal Service(string name) =>
        new(name, Guid.Empty.ToString(), "5e000000-0000-0000-0000-000000000000") { Type = "app", Roles = [$"gallery.service.{name}"] };

    private static TestPrincipal InTenantA(string name, int number) =>
        new(name, TenantA, string.Create(CultureInfo.InvariantCulture, $"0000000a-0000-0000-0000-{number:000000000000}"));
}
