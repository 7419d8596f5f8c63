using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Sharing.Tests;

[Collection("sharing")]
public sealed class DirectoryTests(SharingFixture fixture)
{
    [Fact]
    public async Task Callers_see_the_subscriptions_that_they_have_roles_in()
    {
        var reader = await As(TestPrincipal.Reader).ListSubscriptionsAsync(new ListSubscriptionsRequest());
        var other = await As(TestPrincipal.OtherOwner).ListSubscriptionsAsync(new ListSubscriptionsRequest());
        var nobody = await As(Nobody()).ListSubscriptionsAsync(new ListSubscriptionsRequest());

        var subscription = Assert.Single(reader.Subscriptions);
        Assert.Equal(SharingFixture.SubscriptionA, subscription.Name);
        Assert.Equal(TestPrincipal.TenantA, subscription.TenantId);
        Assert.Equal("Contoso", subscription.DisplayName);
        Assert.Equal([SharingFixture.SubscriptionB], other.Subscriptions.Select(each => each.Name));
        Assert.Empty(nobody.Subscriptions);
    }

    [Fact]
    public async Task A_role_below_a_subscription_or_of_a_group_shows_it_too()
    {
        var group = Guid.NewGuid().ToString();
        var member = Nobody() with { Groups = [group] };
        var assigned = await AssignAsync(group, $"{SharingFixture.SubscriptionA}/resourceGroups/rg9");

        Assert.Equal([SharingFixture.SubscriptionA], await NamesAsync(member));

        await new RoleAssignmentService.RoleAssignmentServiceClient(fixture.Host.ChannelAs(TestPrincipal.Owner)).DeleteRoleAssignmentAsync(
            new DeleteRoleAssignmentRequest { Name = assigned }
        );
        Assert.Empty(await NamesAsync(member));
    }

    [Fact]
    public async Task Subscriptions_come_in_pages_whoever_gave_how_many_roles()
    {
        await using var redis = await RedisServer.StartAsync();
        var somebody = Nobody() with { Groups = [Guid.NewGuid().ToString()] };
        var ids = Enumerable.Range(1, 12).Select(number => $"00000000-0000-0000-0000-0000000001{number:00}").ToArray();
        await using var host = await fixture.StartAsync(
            redis,
            builder =>
            {
                for (var index = 0; index < ids.Length; index++)
                {
                    builder
                        .WithSetting($"Seed:Subscriptions:{index + 2}:Id", ids[index])
                        .WithSetting($"Seed:Subscriptions:{index + 2}:TenantId", TestPrincipal.TenantA);
                    for (var role = 0; role < 4; role++)
                    {
                        // Some roles are the principal's own, some its group's, several in the same subscription.
                        var path = $"Seed:Assignments:{5 + (index * 4) + role}";
                        builder
                            .WithSetting($"{path}:PrincipalId", role == 0 && index % 2 == 0 ? somebody.Groups[0] : somebody.ObjectId)
                            .WithSetting($"{path}:RoleId", SharingFixture.Reader)
                            .WithSetting($"{path}:Scope", $"subscriptions/{ids[index]}/resourceGroups/rg{role}");
                    }
                }
            }
        );
        var client = new SubscriptionService.SubscriptionServiceClient(host.ChannelAs(somebody));

        foreach (var size in new[] { 1, 2, 5, 12, 50 })
        {
            var found = new List<string>();
            var request = new ListSubscriptionsRequest { PageSize = size };
            do
            {
                var page = await client.ListSubscriptionsAsync(request);
                Assert.InRange(page.Subscriptions.Count, 1, size);
                found.AddRange(page.Subscriptions.Select(each => each.Name));
                request.PageToken = page.NextPageToken;
            } while (request.PageToken.Length > 0);
            Assert.Equal(ids.Select(id => $"subscriptions/{id}"), found);
        }
    }

    [Fact]
    public async Task A_subscription_is_shown_to_those_with_a_role_and_to_services()
    {
        var request = new GetSubscriptionRequest { Name = SharingFixture.SubscriptionA };
        Assert.Equal(TestPrincipal.TenantA, (await As(TestPrincipal.Reader).GetSubscriptionAsync(request)).Subscription.TenantId);
        var service = new SubscriptionService.SubscriptionServiceClient(fixture.Host.ChannelAsService("catalog"));
        Assert.Equal("Contoso", (await service.GetSubscriptionAsync(request)).Subscription.DisplayName);

        await Refused.WithAsync(
            () => As(TestPrincipal.OtherOwner).GetSubscriptionAsync(request),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => As(TestPrincipal.Reader).GetSubscriptionAsync(new GetSubscriptionRequest { Name = $"subscriptions/{Guid.NewGuid()}" }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => service.GetSubscriptionAsync(new GetSubscriptionRequest { Name = $"subscriptions/{Guid.NewGuid()}" }).ResponseAsync,
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => As(TestPrincipal.Reader).GetSubscriptionAsync(new GetSubscriptionRequest { Name = "subscriptions/a" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task Roles_are_shown_to_everyone()
    {
        var client = new RoleDefinitionService.RoleDefinitionServiceClient(fixture.Host.ChannelAs(Nobody()));
        var first = await client.ListRoleDefinitionsAsync(new ListRoleDefinitionsRequest { PageSize = 4 });
        var rest = await client.ListRoleDefinitionsAsync(new ListRoleDefinitionsRequest { PageSize = 4, PageToken = first.NextPageToken });
        Assert.Equal(4, first.RoleDefinitions.Count);
        Assert.Equal(["Owner", "Reader"], rest.RoleDefinitions.Select(role => role.DisplayName));
        Assert.Empty(rest.NextPageToken);

        var contributor = await client.GetRoleDefinitionAsync(
            new GetRoleDefinitionRequest { Name = $"roleDefinitions/{SharingFixture.Contributor}" }
        );
        Assert.Equal(["*"], contributor.RoleDefinition.Actions);
        Assert.Contains("Microsoft.Compute/galleries/share/action", contributor.RoleDefinition.NotActions);

        await Refused.WithAsync(
            () => client.GetRoleDefinitionAsync(new GetRoleDefinitionRequest { Name = $"roleDefinitions/{Guid.NewGuid()}" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => client.GetRoleDefinitionAsync(new GetRoleDefinitionRequest { Name = SharingFixture.Contributor }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task What_is_not_built_yet_says_what_to_do_instead()
    {
        var channel = fixture.Host.ChannelAs(TestPrincipal.Owner);
        var refused = await Task.WhenAll(
            NotYet(() => new GroupService.GroupServiceClient(channel).ListGroupsAsync(new ListGroupsRequest()).ResponseAsync),
            NotYet(() => new ShareService.ShareServiceClient(channel).AddSharesAsync(new AddSharesRequest()).ResponseAsync),
            NotYet(() =>
                new CommunityGalleryService.CommunityGalleryServiceClient(channel)
                    .ListCommunityGalleriesAsync(new ListCommunityGalleriesRequest())
                    .ResponseAsync
            )
        );

        Assert.All(refused, each => Assert.Contains("ole", each.Message, StringComparison.Ordinal));

        static Task<Refused> NotYet(Func<Task> call) => Refused.WithAsync(call, StatusCode.Unimplemented, ErrorReason.NotSupportedYet);
    }

    [Fact]
    public async Task Everything_is_kept_under_the_services_own_prefix()
    {
        await foreach (var key in fixture.Redis.Server.KeysAsync())
        {
            Assert.StartsWith("shr:", key.ToString(), StringComparison.Ordinal);
        }

        Assert.NotEmpty(fixture.Host.Services.GetRequiredService<RedisStore>().Partitions);
    }

    private static TestPrincipal Nobody() => new("nobody", TestPrincipal.TenantA, Guid.NewGuid().ToString());

    private SubscriptionService.SubscriptionServiceClient As(TestPrincipal principal) => new(fixture.Host.ChannelAs(principal));

    private async Task<IEnumerable<string>> NamesAsync(TestPrincipal principal) =>
        (await As(principal).ListSubscriptionsAsync(new ListSubscriptionsRequest())).Subscriptions.Select(each => each.Name);

    private async Task<string> AssignAsync(string group, string scope)
    {
        var client = new RoleAssignmentService.RoleAssignmentServiceClient(fixture.Host.ChannelAs(TestPrincipal.Owner));
        var response = await client.CreateRoleAssignmentAsync(
            new CreateRoleAssignmentRequest
            {
                Parent = SharingFixture.SubscriptionA,
                RoleAssignment = new RoleAssignment
                {
                    Scope = scope,
                    RoleDefinition = SharingFixture.Reader,
                    PrincipalId = group,
                    PrincipalType = PrincipalType.Group,
                },
            }
        );
        return response.RoleAssignment.Name;
    }
}
