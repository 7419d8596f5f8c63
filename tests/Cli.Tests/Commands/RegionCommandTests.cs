using Gallery.Cli.Tests.Harness;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Tests.Commands;

public sealed class RegionCommandTests : IAsyncLifetime
{
    private const string Parent = $"subscriptions/{House.Subscription}";

    private House house = null!;

    public async Task InitializeAsync() => house = await House.StartAsync();

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task Region_show_tells_of_zones_and_of_the_ways_to_it()
    {
        var result = (await house.RunAsync("region", "show", "eastus")).Succeeded().Out;
        Assert.Equal(Parent, Only<GetRegionRequest>().Subscription);
        Assert.Contains("5 MiB", result, StringComparison.Ordinal);
        Assert.Contains("1.23 ms", result, StringComparison.Ordinal);
        Assert.Contains("3 MiB/s", result, StringComparison.Ordinal);
        Assert.Contains("no answer in time", result, StringComparison.Ordinal);
        Assert.DoesNotContain("eastus  0", result, StringComparison.Ordinal);
        var json = (await house.RunAsync("region", "show", "eastus", "-o", "json")).Succeeded().Json;
        Assert.Equal("eastus", (string?)json["name"]);
    }

    [Fact]
    public async Task Region_drain_and_undrain_send_the_reason()
    {
        var drained = (await house.RunAsync("region", "drain", "eastus", "--reason", "new disks")).Succeeded().Out;
        Assert.Equal(("eastus", "new disks"), (Only<DrainRegionRequest>().Name, Only<DrainRegionRequest>().Reason));
        Assert.Contains("being drained: new disks", drained, StringComparison.Ordinal);
        Assert.Contains("up", (await house.RunAsync("region", "undrain", "eastus")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal("eastus", Only<UndrainRegionRequest>().Name);
    }

    [Fact]
    public async Task Region_access_is_requested_listed_and_reviewed()
    {
        (await house.RunAsync("region", "access", "request", "australiacentral", "--reason", "customers")).Succeeded();
        var asked = Only<RequestRegionAccessRequest>();
        Assert.Equal((Parent, "australiacentral", "customers"), (asked.Parent, asked.Region, asked.Justification));

        var listed = (await house.RunAsync("region", "access", "list", "--all-subscriptions", "--state", "pending", "-o", "json"))
            .Succeeded()
            .Json.AsArray();
        Assert.Equal(["r", "rmore"], listed.Select(each => (string?)each!["region"]));
        Assert.All(
            house.Replication.Requests.OfType<ListRegionAccessRequestsRequest>(),
            list => Assert.Equal(("subscriptions/-", RegionAccessState.Pending), (list.Parent, list.State))
        );

        (await house.RunAsync("region", "access", "review", "australiacentral", "--approve", "--days", "2")).Succeeded();
        var review = Only<ReviewRegionAccessRequest>();
        Assert.Equal(($"{Parent}/regionAccessRequests/australiacentral", RegionAccessState.Approved), (review.Name, review.Decision));
        Assert.InRange(review.ExpireTime.ToDateTime() - DateTime.UtcNow, TimeSpan.FromHours(47), TimeSpan.FromHours(49));
    }

    [Theory]
    [InlineData("--approve", "--deny")]
    [InlineData("--approve", "--days", "0")]
    [InlineData("--approve", "--days", "x")]
    [InlineData("--reason", "why")]
    public async Task A_review_says_one_thing(params string[] options) =>
        (await house.RunAsync(["region", "access", "review", "australiacentral", .. options])).Failed(ExitCode.Usage);

    private T Only<T>() => Assert.Single(house.Replication.Requests.OfType<T>());
}
