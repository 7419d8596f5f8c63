using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Sharing.Tests;

[Collection("sharing")]
public sealed class RoleAssignmentTests(SharingFixture fixture)
{
    private const string Gallery = $"{SharingFixture.SubscriptionA}/resourceGroups/rg1/galleries/prod";

    [Fact]
    public async Task An_assignment_is_stored_as_it_was_given()
    {
        var id = Guid.NewGuid().ToString();
        var request = Request(Somebody());
        request.RoleAssignmentId = id.ToUpperInvariant();
        request.RoleAssignment.Description = "for the rollout";
        request.RoleAssignment.PrincipalTenantId = TestPrincipal.TenantB;

        var created = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request)).RoleAssignment;

        Assert.Equal($"{SharingFixture.SubscriptionA}/roleAssignments/{id}", created.Name);
        Assert.Equal(id, created.Uid);
        Assert.Equal(Gallery, created.Scope);
        Assert.Equal($"roleDefinitions/{SharingFixture.Reader}", created.RoleDefinition);
        Assert.Equal(TestPrincipal.TenantB, created.PrincipalTenantId);
        Assert.Equal("for the rollout", created.Description);
        Assert.Equal($"{TestPrincipal.TenantA}/{TestPrincipal.Owner.ObjectId}", created.CreatedBy);
        Assert.Equal(fixture.Host.Time.GetUtcNow(), created.CreateTime.ToDateTimeOffset());
        Assert.NotEmpty(created.Etag);
        Assert.Equal(
            created,
            (await As(TestPrincipal.Reader).GetRoleAssignmentAsync(new GetRoleAssignmentRequest { Name = created.Name })).RoleAssignment
        );
    }

    [Fact]
    public async Task It_takes_effect_at_once_and_ends_at_once()
    {
        var somebody = new TestPrincipal("somebody", TestPrincipal.TenantA, Somebody());
        var created = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(somebody.ObjectId))).RoleAssignment;
        Assert.True(await MayReadAsync(somebody));

        await As(TestPrincipal.Owner)
            .DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = created.Name, Etag = created.Etag });

        Assert.False(await MayReadAsync(somebody));
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).GetRoleAssignmentAsync(new GetRoleAssignmentRequest { Name = created.Name }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = created.Name }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(somebody.ObjectId)); // The grant is free again.
    }

    [Fact]
    public async Task Both_changes_are_told()
    {
        var created = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(Somebody()))).RoleAssignment;
        await As(TestPrincipal.Owner).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = created.Name });

        var store = fixture.Host.Services.GetRequiredService<RedisStore>();
        var entries = await fixture.Redis.Database.StreamRangeAsync(store.PartitionOf(TestPrincipal.SubscriptionA).Events);
        var told = entries
            .Select(entry => EventEnvelope.Parser.ParseFrom((byte[])entry["p"]!))
            .Where(each => each.Subject == created.Name)
            .ToArray();
        Assert.Equal([Gallery, Gallery], told.Select(each => each.AccessChanged.Scope));
        Assert.All(told, each => Assert.Equal("sharing", each.Source));
    }

    [Fact]
    public async Task The_same_grant_exists_once()
    {
        var principal = Somebody();
        var first = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(principal))).RoleAssignment;
        var again = Request(principal.ToUpperInvariant());
        again.RoleAssignment.Scope = Gallery.ToUpperInvariant().Replace("SUBSCRIPTIONS", "subscriptions", StringComparison.Ordinal);
        again.RoleAssignment.RoleDefinition = $"roleDefinitions/{SharingFixture.Reader}";

        var refused = await Refused.WithAsync(
            () => As(TestPrincipal.Owner).CreateRoleAssignmentAsync(again),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );

        Assert.Contains(first.Name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_id_is_refused()
    {
        var request = Request(Somebody());
        request.RoleAssignmentId = Guid.NewGuid().ToString();
        await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request);
        request.RoleAssignment.PrincipalId = Somebody();

        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
    }

    [Fact]
    public async Task Of_many_at_once_one_wins()
    {
        var request = Request(Somebody());
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(async _ =>
                {
                    try
                    {
                        await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request);
                        return StatusCode.OK;
                    }
                    catch (RpcException refused)
                    {
                        return refused.StatusCode;
                    }
                })
        );

        Assert.Equal(1, outcomes.Count(outcome => outcome == StatusCode.OK));
        Assert.Equal(9, outcomes.Count(outcome => outcome == StatusCode.AlreadyExists));
    }

    [Fact]
    public async Task A_repeated_request_gets_the_first_answer()
    {
        var request = Request(Somebody());
        request.RequestId = Guid.NewGuid().ToString();
        var first = await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request);
        Assert.Equal(first, await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request));

        request.RoleAssignment.Description = "another";
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request),
            StatusCode.FailedPrecondition,
            ErrorReason.RequestIdReused
        );

        var delete = new DeleteRoleAssignmentRequest { Name = first.RoleAssignment.Name, RequestId = Guid.NewGuid().ToString() };
        await As(TestPrincipal.Owner).DeleteRoleAssignmentAsync(delete);
        await As(TestPrincipal.Owner).DeleteRoleAssignmentAsync(delete);
    }

    [Fact]
    public async Task Validation_changes_nothing()
    {
        var somebody = new TestPrincipal("somebody", TestPrincipal.TenantA, Somebody());
        var request = Request(somebody.ObjectId);
        request.ValidateOnly = true;
        await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request);
        Assert.False(await MayReadAsync(somebody));

        request.ValidateOnly = false;
        var created = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request)).RoleAssignment;
        request.ValidateOnly = true;
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );

        await As(TestPrincipal.Owner)
            .DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = created.Name, ValidateOnly = true });
        Assert.True(await MayReadAsync(somebody));
    }

    [Fact]
    public async Task A_stale_etag_is_refused()
    {
        var created = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(Somebody()))).RoleAssignment;

        await Refused.WithAsync(
            () =>
                As(TestPrincipal.Owner).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = created.Name, Etag = "stale" }),
            StatusCode.Aborted,
            ErrorReason.EtagMismatch
        );
    }

    [Fact]
    public async Task Only_owners_give_and_take_roles()
    {
        var created = (await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(Somebody()))).RoleAssignment;
        foreach (var principal in new[] { TestPrincipal.Contributor, TestPrincipal.Reader, TestPrincipal.OtherOwner })
        {
            await Refused.WithAsync(
                () => As(principal).CreateRoleAssignmentAsync(Request(principal.ObjectId)),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed
            );
            await Refused.WithAsync(
                () => As(principal).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = created.Name }),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed
            );
        }

        // Whether it exists is none of their business.
        await Refused.WithAsync(
            () =>
                As(TestPrincipal.OtherOwner)
                    .GetRoleAssignmentAsync(
                        new GetRoleAssignmentRequest { Name = $"{SharingFixture.SubscriptionA}/roleAssignments/{Guid.NewGuid()}" }
                    ),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task An_owner_of_a_gallery_gives_roles_there_and_not_above()
    {
        var owner = new TestPrincipal("gallery owner", TestPrincipal.TenantA, Somebody());
        await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(Request(owner.ObjectId, SharingFixture.Owner));

        await As(owner).CreateRoleAssignmentAsync(Request(Somebody()));

        var above = Request(owner.ObjectId, SharingFixture.Owner);
        above.RoleAssignment.Scope = SharingFixture.SubscriptionA;
        var refused = await Refused.WithAsync(
            () => As(owner).CreateRoleAssignmentAsync(above),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Equal(SharingFixture.SubscriptionA, refused.Metadata["scope"]);
    }

    [Fact]
    public async Task Everything_wrong_with_a_request_is_told_at_once()
    {
        var refused = await Refused.WithAsync(
            () =>
                As(TestPrincipal.Owner)
                    .CreateRoleAssignmentAsync(
                        new CreateRoleAssignmentRequest { Parent = SharingFixture.SubscriptionA, RoleAssignmentId = "x" }
                    ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Equal(
            [
                "role_assignment.scope",
                "role_assignment.role_definition",
                "role_assignment.principal_id",
                "role_assignment.principal_type",
                "role_assignment_id",
            ],
            refused.Fields
        );
    }

    [Fact]
    public async Task Values_out_of_range_are_refused()
    {
        await FieldAsync("role_assignment.scope", request => request.RoleAssignment.Scope = SharingFixture.SubscriptionB);
        await FieldAsync("role_assignment.principal_type", request => request.RoleAssignment.PrincipalType = (PrincipalType)77);
        await FieldAsync("role_assignment.principal_tenant_id", request => request.RoleAssignment.PrincipalTenantId = "t");
        await FieldAsync("role_assignment.description", request => request.RoleAssignment.Description = new string('d', 1025));
        await FieldAsync("request_id", request => request.RequestId = new string('r', 65));
        await FieldAsync("parent", request => request.Parent = Gallery);

        var unknown = Request(Somebody(), Guid.NewGuid().ToString());
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).CreateRoleAssignmentAsync(unknown),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );

        async Task FieldAsync(string field, Action<CreateRoleAssignmentRequest> spoil)
        {
            var request = Request(Somebody());
            spoil(request);
            var refused = await Refused.WithAsync(
                () => As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            Assert.Equal([field], refused.Fields);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("roleAssignments/1")]
    [InlineData(SharingFixture.SubscriptionA)]
    [InlineData(SharingFixture.SubscriptionA + "/roleAssignments/")]
    [InlineData(SharingFixture.SubscriptionA + "/roleAssignments/one")]
    [InlineData("subscriptions/x/roleAssignments/00000000-0000-0000-0000-000000000001")]
    public async Task Malformed_names_are_refused(string name)
    {
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).GetRoleAssignmentAsync(new GetRoleAssignmentRequest { Name = name }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = name }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task A_list_has_pages_and_filters()
    {
        var principal = Somebody();
        var scopes = new[]
        {
            SharingFixture.SubscriptionA,
            $"{SharingFixture.SubscriptionA}/resourceGroups/rg1",
            Gallery,
            $"{Gallery}/images/i",
        };
        foreach (var scope in scopes)
        {
            var request = Request(principal);
            request.RoleAssignment.Scope = scope;
            await As(TestPrincipal.Owner).CreateRoleAssignmentAsync(request);
        }

        var list = new ListRoleAssignmentsRequest
        {
            Parent = SharingFixture.SubscriptionA,
            PrincipalId = principal,
            PageSize = 1,
        };
        Assert.Equal(scopes.Order(), (await AllAsync(list)).Select(each => each.Scope).Order());

        list.Scope = Gallery;
        Assert.Equal(scopes[..3].Order(), (await AllAsync(list)).Select(each => each.Scope).Order());

        list.PageToken = "x";
        await Refused.WithAsync(
            () => As(TestPrincipal.Reader).ListRoleAssignmentsAsync(list),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        list.PageToken = "";
        list.PageSize = -1;
        await Refused.WithAsync(
            () => As(TestPrincipal.Reader).ListRoleAssignmentsAsync(list),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        list.PageSize = 0;
        list.Scope = SharingFixture.SubscriptionB;
        list.PrincipalId = "x";
        var refused = await Refused.WithAsync(
            () => As(TestPrincipal.Reader).ListRoleAssignmentsAsync(list),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["scope", "principal_id"], refused.Fields);
        await Refused.WithAsync(
            () =>
                As(TestPrincipal.OtherOwner)
                    .ListRoleAssignmentsAsync(new ListRoleAssignmentsRequest { Parent = SharingFixture.SubscriptionA }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task A_subscription_has_so_many_assignments_at_the_most()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var host = await fixture.StartAsync(redis, builder => builder.WithSetting("Assignments:MaxPerSubscription", "5"));
        var client = new RoleAssignmentService.RoleAssignmentServiceClient(host.ChannelAs(TestPrincipal.Owner));
        await client.CreateRoleAssignmentAsync(Request(Somebody())); // Four are seeded.

        var refused = await Refused.WithAsync(
            () => client.CreateRoleAssignmentAsync(Request(Somebody())),
            StatusCode.ResourceExhausted,
            ErrorReason.QuotaExceeded
        );

        Assert.Equal("5", refused.Metadata["limit"]);
    }

    private static string Somebody() => Guid.NewGuid().ToString();

    private static CreateRoleAssignmentRequest Request(string principalId, string role = SharingFixture.Reader) =>
        new()
        {
            Parent = SharingFixture.SubscriptionA,
            RoleAssignment = new RoleAssignment
            {
                Scope = Gallery,
                RoleDefinition = role,
                PrincipalId = principalId,
                PrincipalType = PrincipalType.User,
            },
        };

    private RoleAssignmentService.RoleAssignmentServiceClient As(TestPrincipal principal) => new(fixture.Host.ChannelAs(principal));

    private async Task<bool> MayReadAsync(TestPrincipal principal) =>
        (
            await new AccessService.AccessServiceClient(fixture.Host.ChannelAs(principal)).CheckAccessAsync(
                new CheckAccessRequest { Action = "Microsoft.Compute/galleries/read", Resource = Gallery }
            )
        ).Allowed;

    private async Task<List<RoleAssignment>> AllAsync(ListRoleAssignmentsRequest request)
    {
        var all = new List<RoleAssignment>();
        request.PageToken = "";
        do
        {
            var page = await As(TestPrincipal.Reader).ListRoleAssignmentsAsync(request);
            Assert.InRange(page.RoleAssignments.Count, 0, request.PageSize);
            all.AddRange(page.RoleAssignments);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);
        return all;
    }
}
