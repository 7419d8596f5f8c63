using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Names;
using Gallery.Sharing.Access;
using Gallery.Sharing.Roles;

namespace Gallery.Sharing.Tests;

public sealed class AccessRulesTests
{
    private const string Subscription = "subscriptions/00000000-0000-0000-0000-00000000000a";

    private static readonly string[] Names =
    [
        Subscription,
        "subscriptions/00000000-0000-0000-0000-00000000000b",
        $"{Subscription}/resourceGroups/rg1",
        $"{Subscription}/resourceGroups/RG2",
        $"{Subscription}/resourceGroups/rg1/galleries/prod",
        $"{Subscription}/resourceGroups/rg1/galleries/Prod2",
        $"{Subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu",
        $"{Subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu/versions/1.0.0",
        $"{Subscription}/resourceGroups/rg1/galleries/prod/applications/app/versions/1.0.0",
        $"{Subscription}/resourceGroups/rg1/snapshots/disk",
    ];

    private static readonly string[] Actions =
    [
        "Microsoft.Compute/galleries/read",
        "Microsoft.Compute/galleries/images/versions/write",
        "Microsoft.Compute/galleries/share/action",
        "Microsoft.Authorization/locks/write",
        "Microsoft.Compute/snapshots/delete",
    ];

    private static readonly string[] Ids = ["a", "b", "c"];

    private static Gen<ResourceName> AnyName => Gen.Elements(Names).Select(Parse);

    private static Gen<Holder> AnyHolder =>
        from tenant in Gen.Elements("t1", "t2")
        from id in Gen.Elements(Ids)
        select new Holder(tenant, id);

    private static Gen<Grant> AnyGrant =>
        from holder in AnyHolder
        from role in Gen.Elements(RoleCatalog.All.ToArray())
        from scope in AnyName
        select new Grant(holder, role, scope);

    private static Gen<Principal> AnyPrincipal =>
        from tenant in Gen.Elements("t1", "T2")
        from id in Gen.Elements(Ids)
        from groups in Gen.ArrayOf(Gen.Elements("a", "B", "c"))
        select new Principal
        {
            TenantId = tenant,
            ObjectId = id,
            GroupIds = { groups },
        };

    private static Gen<(Principal Principal, ActionName Action, ResourceName Resource)> AnyQuestion =>
        from principal in AnyPrincipal
        from action in Gen.Elements(Actions)
        from resource in AnyName
        select (principal, new ActionName(action), resource);

    [Property(MaxTest = 500)]
    public Property Allowed_is_what_an_assignment_at_or_above_allows_and_nothing_else() =>
        Prop.ForAll(
            AnyQuestion.ToArbitrary(),
            Gen.ArrayOf(AnyGrant).ToArbitrary(),
            (question, grants) =>
            {
                var held = grants.Select(grant => grant.Key).ToHashSet();
                var decided = AccessRules
                    .Sufficient(Holder.Of(question.Principal), question.Action, question.Resource)
                    .Any(grant => held.Contains(grant.Key));
                return decided == grants.Any(grant => Allows(grant, question.Principal, question.Action, question.Resource));
            }
        );

    [Property(MaxTest = 200)]
    public Property A_further_assignment_takes_nothing_away() =>
        Prop.ForAll(
            AnyQuestion.ToArbitrary(),
            Gen.ArrayOf(AnyGrant).ToArbitrary(),
            AnyGrant.ToArbitrary(),
            (question, grants, further) =>
            {
                var sufficient = AccessRules
                    .Sufficient(Holder.Of(question.Principal), question.Action, question.Resource)
                    .Select(grant => grant.Key)
                    .ToHashSet();
                return !grants.Any(grant => sufficient.Contains(grant.Key))
                    || grants.Append(further).Any(grant => sufficient.Contains(grant.Key));
            }
        );

    [Property(MaxTest = 200)]
    public Property Without_an_assignment_everything_is_denied() =>
        Prop.ForAll(AnyQuestion.ToArbitrary(), question => AccessRules.Sufficient([], question.Action, question.Resource).Any() == false);

    [Fact]
    public void The_widest_scope_comes_first()
    {
        var scopes = AccessRules.ScopesOf(Parse(Names[7])).Select(scope => scope.Kind);

        Assert.Equal(
            [ResourceKind.Subscription, ResourceKind.ResourceGroup, ResourceKind.Gallery, ResourceKind.Image, ResourceKind.ImageVersion],
            scopes
        );
    }

    [Theory]
    [InlineData("Microsoft.Compute/galleries/read", true)]
    [InlineData("a/b/c", true)]
    [InlineData("a/b", false)]
    [InlineData("", false)]
    [InlineData("a//c", false)]
    [InlineData("/b/c", false)]
    [InlineData("a/b/*", false)]
    [InlineData("a/b/c d", false)]
    public void Actions_have_a_form(string text, bool valid) => Assert.Equal(valid, ActionName.TryParse(text, out _));

    [Fact]
    public void Actions_are_not_endless() => Assert.False(ActionName.TryParse($"a/b/{new string('c', 200)}", out _));

    private static bool Allows(Grant grant, Principal principal, ActionName action, ResourceName resource) =>
        grant.Holder.TenantId.Equals(principal.TenantId, StringComparison.OrdinalIgnoreCase)
        && (
            grant.Holder.ObjectId.Equals(principal.ObjectId, StringComparison.OrdinalIgnoreCase)
            || principal.GroupIds.Contains(grant.Holder.ObjectId, StringComparer.OrdinalIgnoreCase)
        )
        && grant.Role.Has(action.Value)
        && (resource.Value + "/").StartsWith(grant.Scope.Value + "/", StringComparison.OrdinalIgnoreCase);

    private static ResourceName Parse(string text) => ResourceName.Require(text, "name", Enum.GetValues<ResourceKind>());
}
