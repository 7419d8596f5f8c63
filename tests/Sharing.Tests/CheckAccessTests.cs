using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Sharing.Tests;

[Collection("sharing")]
public sealed class CheckAccessTests(SharingFixture fixture)
{
    private const string ReadVersion = "Microsoft.Compute/galleries/images/versions/read";
    private const string WriteVersion = "Microsoft.Compute/galleries/images/versions/write";
    private const string Share = "Microsoft.Compute/galleries/share/action";
    private const string Version = $"{SharingFixture.SubscriptionA}/resourceGroups/rg1/galleries/prod/images/ubuntu/versions/1.0.0";

    [Theory]
    [InlineData("owner", ReadVersion, true)]
    [InlineData("owner", Share, true)]
    [InlineData("contributor", WriteVersion, true)]
    [InlineData("contributor", Share, false)]
    [InlineData("pipeline", WriteVersion, true)]
    [InlineData("reader", ReadVersion, true)]
    [InlineData("reader", WriteVersion, false)]
    [InlineData("other-owner", ReadVersion, false)]
    public async Task The_seeded_principals_may_do_what_their_roles_say(string name, string action, bool allowed)
    {
        var decision = await Ask(PrincipalOf(name)).CheckAccessAsync(Question(action, Version));

        Assert.Equal(allowed, decision.Allowed);
        Assert.NotEmpty(decision.Reason);
        Assert.Equal(allowed ? SharingFixture.SubscriptionA : "", decision.Scope);
        Assert.Equal(allowed, decision.RoleDefinition.StartsWith("roleDefinitions/", StringComparison.Ordinal));
        Assert.Equal(
            allowed,
            decision.RoleAssignment.StartsWith($"{SharingFixture.SubscriptionA}/roleAssignments/", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Case_does_not_matter()
    {
        var decision = await Ask(TestPrincipal.Reader)
            .CheckAccessAsync(Question(ReadVersion.ToUpperInvariant(), Version.ToUpperInvariant()));

        Assert.True(decision.Allowed);
    }

    [Fact]
    public async Task A_subscription_that_does_not_exist_is_denied_like_one_of_others()
    {
        var client = Ask(TestPrincipal.Owner);
        var unknown = await client.CheckAccessAsync(Question(ReadVersion, $"subscriptions/{Guid.NewGuid()}"));
        var others = await client.CheckAccessAsync(Question(ReadVersion, SharingFixture.SubscriptionB));

        Assert.False(unknown.Allowed);
        Assert.False(others.Allowed);
    }

    [Fact]
    public async Task A_service_asks_about_anyone()
    {
        var client = new AccessService.AccessServiceClient(fixture.Host.ChannelAsService("catalog"));
        var request = Question(WriteVersion, Version);
        request.Principal = new Principal { TenantId = TestPrincipal.TenantA, ObjectId = TestPrincipal.Contributor.ObjectId };

        Assert.True((await client.CheckAccessAsync(request)).Allowed);

        request.Principal.TenantId = TestPrincipal.TenantB;
        Assert.False((await client.CheckAccessAsync(request)).Allowed); // The same object id in another tenant is somebody else.
    }

    [Fact]
    public async Task A_service_has_no_rights_of_its_own()
    {
        var decision = await new AccessService.AccessServiceClient(fixture.Host.ChannelAsService("catalog")).CheckAccessAsync(
            Question(ReadVersion, Version)
        );

        Assert.False(decision.Allowed);
    }

    [Fact]
    public async Task Others_ask_about_themselves_only()
    {
        var request = Question(ReadVersion, Version);
        request.Principal = new Principal { TenantId = TestPrincipal.TenantA, ObjectId = TestPrincipal.Contributor.ObjectId };

        var refused = await Refused.WithAsync(
            () => Ask(TestPrincipal.Owner).CheckAccessAsync(request),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Equal(Version, refused.Metadata["scope"]);

        Assert.True((await Ask(TestPrincipal.Contributor).CheckAccessAsync(request)).Allowed);
    }

    [Fact]
    public async Task Groups_that_a_request_claims_count_for_nothing()
    {
        var group = Guid.NewGuid().ToString();
        await Assign(group, PrincipalType.Group, SharingFixture.Owner, SharingFixture.SubscriptionA);
        var nobody = new TestPrincipal("nobody", TestPrincipal.TenantA, Guid.NewGuid().ToString());
        var request = Question(WriteVersion, Version);
        request.Principal = new Principal
        {
            TenantId = nobody.TenantId,
            ObjectId = nobody.ObjectId,
            GroupIds = { group },
        };

        Assert.False((await Ask(nobody).CheckAccessAsync(request)).Allowed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)] // So many that only those groups are looked up which have roles.
    public async Task A_role_of_a_group_is_a_role_of_its_members(int groupCount)
    {
        var groups = Enumerable.Range(0, groupCount).Select(_ => Guid.NewGuid().ToString()).ToArray();
        var member = new TestPrincipal("member", TestPrincipal.TenantA, Guid.NewGuid().ToString()) { Groups = groups };
        Assert.False((await Ask(member).CheckAccessAsync(Question(ReadVersion, Version))).Allowed);

        var assigned = await Assign(groups[^1], PrincipalType.Group, SharingFixture.Reader, SharingFixture.SubscriptionA);

        var decision = await Ask(member).CheckAccessAsync(Question(ReadVersion, Version));
        Assert.True(decision.Allowed);
        Assert.Equal(assigned.Name, decision.RoleAssignment);
        Assert.False((await Ask(member).CheckAccessAsync(Question(WriteVersion, Version))).Allowed);
    }

    [Theory]
    [InlineData("", true, true, true, true)]
    [InlineData("/resourceGroups/rg1", true, true, true, false)]
    [InlineData("/resourceGroups/RG1/galleries/PROD", true, true, true, false)]
    [InlineData("/resourceGroups/rg1/galleries/prod/images/ubuntu", false, true, true, false)]
    [InlineData("/resourceGroups/rg1/galleries/prod/images/ubuntu/versions/1.0.0", false, false, true, false)]
    public async Task A_role_holds_at_its_scope_and_below(string scope, bool gallery, bool definition, bool version, bool elsewhere)
    {
        var principal = new TestPrincipal("somebody", TestPrincipal.TenantA, Guid.NewGuid().ToString());
        await Assign(principal.ObjectId, PrincipalType.User, SharingFixture.Reader, SharingFixture.SubscriptionA + scope);
        var batch = new BatchCheckAccessRequest
        {
            Questions =
            {
                new AccessQuestion { Action = ReadVersion, Resource = $"{SharingFixture.SubscriptionA}/resourceGroups/rg1/galleries/prod" },
                new AccessQuestion
                {
                    Action = ReadVersion,
                    Resource = $"{SharingFixture.SubscriptionA}/resourceGroups/rg1/galleries/prod/images/ubuntu",
                },
                new AccessQuestion { Action = ReadVersion, Resource = Version },
                new AccessQuestion { Action = ReadVersion, Resource = $"{SharingFixture.SubscriptionA}/resourceGroups/other" },
                new AccessQuestion { Action = ReadVersion, Resource = SharingFixture.SubscriptionB },
            },
        };

        var decisions = (await Ask(principal).BatchCheckAccessAsync(batch)).Decisions.Select(decision => decision.Allowed);

        Assert.Equal([gallery, definition, version, elsewhere, false], decisions);
    }

    [Theory]
    [InlineData("", SharingFixture.SubscriptionA, "action")]
    [InlineData("read", SharingFixture.SubscriptionA, "action")]
    [InlineData("Microsoft.Compute/galleries/*", SharingFixture.SubscriptionA, "action")]
    [InlineData(ReadVersion, "", "resource")]
    [InlineData(ReadVersion, "subscriptions/none", "resource")]
    [InlineData(ReadVersion, SharingFixture.SubscriptionA + "/", "resource")]
    [InlineData(ReadVersion, SharingFixture.SubscriptionA + "/galleries/prod", "resource")]
    public async Task Malformed_questions_are_refused(string action, string resource, string field)
    {
        var refused = await Refused.WithAsync(
            () => Ask(TestPrincipal.Owner).CheckAccessAsync(Question(action, resource)),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Equal([field], refused.Fields);
    }

    [Fact]
    public async Task A_service_that_names_nobody_is_told_so()
    {
        var request = Question(ReadVersion, Version);
        request.Principal = new Principal();
        var client = new AccessService.AccessServiceClient(fixture.Host.ChannelAsService("catalog"));

        var refused = await Refused.WithAsync(
            () => client.CheckAccessAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Equal(["principal.tenant_id", "principal.object_id"], refused.Fields);
    }

    [Fact]
    public async Task A_batch_is_bounded_and_names_the_question_that_is_wrong()
    {
        var client = Ask(TestPrincipal.Owner);
        await Refused.WithAsync(
            () => client.BatchCheckAccessAsync(new BatchCheckAccessRequest()),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        var many = new BatchCheckAccessRequest();
        many.Questions.AddRange(Enumerable.Repeat(new AccessQuestion { Action = ReadVersion, Resource = Version }, 101));
        await Refused.WithAsync(() => client.BatchCheckAccessAsync(many), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);

        many.Questions.RemoveAt(100);
        Assert.All((await client.BatchCheckAccessAsync(many)).Decisions, decision => Assert.True(decision.Allowed));

        many.Questions[3] = new AccessQuestion { Action = ReadVersion, Resource = "nonsense" };
        var refused = await Refused.WithAsync(
            () => client.BatchCheckAccessAsync(many),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["questions[3].resource"], refused.Fields);
    }

    [Fact]
    public async Task Nobody_asks_without_a_token()
    {
        var client = new AccessService.AccessServiceClient(fixture.Host.AnonymousChannel());

        await Refused.WithAsync(
            () => client.CheckAccessAsync(Question(ReadVersion, Version)),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
    }

    private static CheckAccessRequest Question(string action, string resource) => new() { Action = action, Resource = resource };

    private static TestPrincipal PrincipalOf(string name) =>
        new[]
        {
            TestPrincipal.Owner,
            TestPrincipal.Contributor,
            TestPrincipal.Pipeline,
            TestPrincipal.Reader,
            TestPrincipal.OtherOwner,
        }.Single(principal => principal.Name == name);

    private AccessService.AccessServiceClient Ask(TestPrincipal principal) => new(fixture.Host.ChannelAs(principal));

    private async Task<RoleAssignment> Assign(string principalId, PrincipalType type, string role, string scope)
    {
        var client = new RoleAssignmentService.RoleAssignmentServiceClient(fixture.Host.ChannelAs(TestPrincipal.Owner));
        var response = await client.CreateRoleAssignmentAsync(
            new CreateRoleAssignmentRequest
            {
                Parent = SharingFixture.SubscriptionA,
                RoleAssignment = new RoleAssignment
                {
                    Scope = scope,
                    RoleDefinition = role,
                    PrincipalId = principalId,
                    PrincipalType = type,
                },
            }
        );
        return response.RoleAssignment;
    }
}
