using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.TestKit;

namespace Gallery.Sharing.Tests;

[Collection("sharing")]
public sealed class SeedTests(SharingFixture fixture)
{
    [Fact]
    public async Task A_further_start_plants_nothing_twice()
    {
        await using var redis = await RedisServer.StartAsync();
        await using (var first = await fixture.StartAsync(redis))
        {
            Assert.Equal(4, (await ListAsync(first)).Count);
        }

        await using var second = await fixture.StartAsync(redis);
        Assert.Equal(4, (await ListAsync(second)).Count);
        Assert.All(await ListAsync(second), each => Assert.Equal("configuration", each.CreatedBy));
    }

    [Fact]
    public async Task What_an_administrator_took_away_stays_away()
    {
        await using var redis = await RedisServer.StartAsync();
        await using (var first = await fixture.StartAsync(redis))
        {
            var ofReader = Assert.Single(await ListAsync(first), each => each.PrincipalId == TestPrincipal.Reader.ObjectId);
            await Client(first).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = ofReader.Name });
        }

        await using var second = await fixture.StartAsync(redis);
        Assert.DoesNotContain(await ListAsync(second), each => each.PrincipalId == TestPrincipal.Reader.ObjectId);
    }

    [Fact]
    public async Task A_role_that_was_given_by_hand_before_is_left_alone()
    {
        const string Newcomer = "0000000a-0000-0000-0000-000000000099";
        await using var redis = await RedisServer.StartAsync();
        RoleAssignment byHand;
        await using (var first = await fixture.StartAsync(redis))
        {
            byHand = (
                await Client(first)
                    .CreateRoleAssignmentAsync(
                        new CreateRoleAssignmentRequest
                        {
                            Parent = SharingFixture.SubscriptionA,
                            RoleAssignment = new RoleAssignment
                            {
                                Scope = SharingFixture.SubscriptionA,
                                RoleDefinition = SharingFixture.Reader,
                                PrincipalId = Newcomer,
                                PrincipalType = PrincipalType.User,
                            },
                        }
                    )
            ).RoleAssignment;
        }

        await using (var second = await fixture.StartAsync(redis, SeedNewcomer))
        {
            Assert.Equal(byHand, Assert.Single(await ListAsync(second), each => each.PrincipalId == Newcomer));
            await Client(second).DeleteRoleAssignmentAsync(new DeleteRoleAssignmentRequest { Name = byHand.Name });
        }

        await using var third = await fixture.StartAsync(redis, SeedNewcomer);
        Assert.DoesNotContain(await ListAsync(third), each => each.PrincipalId == Newcomer);

        static void SeedNewcomer(ServiceHostBuilder builder) =>
            builder
                .WithSetting("Seed:Assignments:5:PrincipalId", Newcomer)
                .WithSetting("Seed:Assignments:5:RoleId", SharingFixture.Reader)
                .WithSetting("Seed:Assignments:5:Scope", SharingFixture.SubscriptionA);
    }

    [Fact]
    public async Task Instances_that_start_at_once_plant_once()
    {
        await using var redis = await RedisServer.StartAsync();
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => fixture.StartAsync(redis)));

        Assert.Equal(4, (await ListAsync(hosts[0])).Count);
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task Seeds_wait_for_a_redis_that_comes_up_later()
    {
        var redis = new RedisServer();
        var starting = Task.Run(() => fixture.StartAsync(redis));
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.False(starting.IsCompleted);

        await redis.InitializeAsync();

        await using (var host = await starting)
        {
            Assert.Equal(4, (await ListAsync(host)).Count);
        }

        await redis.DisposeAsync();
    }

    [Theory]
    [InlineData("Seed:Subscriptions:0:Id", "x", "Seed:Subscriptions:0")]
    [InlineData("Seed:Assignments:1:Scope", "x", "Seed:Assignments:1:Scope")]
    [InlineData("Seed:Assignments:1:Scope", "subscriptions/00000000-0000-0000-0000-0000000000ff", "Seed:Assignments")]
    [InlineData("Seed:Assignments:2:RoleId", "x", "Seed:Assignments:2:RoleId")]
    [InlineData("Seed:Assignments:2:PrincipalId", "x", "Seed:Assignments:2")]
    [InlineData("Seed:Assignments:2:PrincipalType", "Robot", "Seed:Assignments:2:PrincipalType")]
    public async Task Seeds_that_make_no_sense_stop_the_service(string setting, string value, string named)
    {
        await using var redis = await RedisServer.StartAsync();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            fixture.StartAsync(redis, builder => builder.WithSetting(setting, value))
        );

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    private static RoleAssignmentService.RoleAssignmentServiceClient Client(ServiceHost<Program> host) =>
        new(host.ChannelAs(TestPrincipal.Owner));

    private static async Task<IList<RoleAssignment>> ListAsync(ServiceHost<Program> host) =>
        (
            await Client(host).ListRoleAssignmentsAsync(new ListRoleAssignmentsRequest { Parent = SharingFixture.SubscriptionA })
        ).RoleAssignments;
}
