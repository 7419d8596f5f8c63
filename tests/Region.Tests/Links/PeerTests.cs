using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Links;

[Collection("nodes")]
public sealed class PeerTests(NodesFixture nodes)
{
    [Fact]
    public async Task A_node_measures_the_way_from_others()
    {
        var gone = FreePort.Next();
        var links = (
            await nodes.East.Client.Nodes.MeasurePeersAsync(
                new MeasurePeersRequest
                {
                    Peers =
                    {
                        new PeerNode { Region = "westus", GrpcUrl = nodes.West.Url },
                        new PeerNode { Region = "northeurope", GrpcUrl = $"http://127.0.0.1:{gone}" },
                    },
                }
            )
        ).Links;

        Assert.Equal(["westus", "northeurope"], links.Select(link => link.Region));
        Assert.True(links[0].Reachable);
        Assert.True(links[0].RoundTripMicros > 0);
        Assert.Equal("", links[0].Details);
        Assert.Equal((false, 0), (links[1].Reachable, links[1].RoundTripMicros));
        Assert.Contains("refused", links[1].Details, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pull_measures_the_link_by_the_way(bool inBulk)
    {
        // Its share of the link is what it waits for: two seconds, so that it waits on a busy machine as well.
        await using var south = await nodes.StartAsync("brazilsouth", settings: ("Region:MaxTransferBytesPerSecond", "2000000"));
        var disk = new byte[64 << 16];
        new Random(7).NextBytes(disk);
        var content = await nodes.West.Client.PublishAsync($"u-{Guid.NewGuid():N}", disk);
        var source = nodes.West.Client.Remote(nodes.West.Url, content);
        source.Remote.HttpUrl = inBulk ? nodes.West.Host.Http.BaseAddress!.AbsoluteUri : "";
        await south.Client.PullAsync(NodeClient.Order($"r-{Guid.NewGuid():N}", content, source));

        var link = (
            await south.Client.Nodes.MeasurePeersAsync(
                new MeasurePeersRequest
                {
                    Peers =
                    {
                        new PeerNode { Region = "westus", GrpcUrl = nodes.West.Url },
                    },
                }
            )
        ).Links.Single();

        Assert.InRange(link.BytesPerSecond, 1_000_000, 40_000_000);
        Assert.NotNull(link.ThroughputTime);
    }

    [Fact]
    public async Task A_source_that_fails_is_named()
    {
        var content = await nodes.West.Client.PublishAsync($"u-{Guid.NewGuid():N}", TestDisk.Make(180));
        var refused = await Refused.WithAsync(
            () =>
                nodes.East.Client.PullAsync(
                    NodeClient.Order(
                        $"r-{Guid.NewGuid():N}",
                        content,
                        nodes.West.Client.Remote($"http://127.0.0.1:{FreePort.Next()}", content)
                    )
                ),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );

        Assert.Equal("westus", refused.Detail<Google.Rpc.ErrorInfo>().Metadata["source"]);
    }

    [Fact]
    public async Task Only_replication_may_ask_and_wrong_peers_are_refused()
    {
        var wrong = await Refused.WithAsync(
            () =>
                nodes.East.Client.Nodes.MeasurePeersAsync(
                    new MeasurePeersRequest { Peers = { new PeerNode { GrpcUrl = "file:///etc/passwd" } } }
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["peers[0].grpc_url", "peers[0].region"], wrong.Fields);
        var many = new MeasurePeersRequest();
        many.Peers.AddRange(
            Enumerable.Range(0, 101).Select(number => new PeerNode { Region = $"r{number}", GrpcUrl = "http://127.0.0.1:1" })
        );
        await Refused.WithAsync(
            () => nodes.East.Client.Nodes.MeasurePeersAsync(many),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () =>
                new NodeService.NodeServiceClient(nodes.East.Host.ChannelAs(TestPrincipal.Owner)).MeasurePeersAsync(
                    new MeasurePeersRequest()
                ),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }
}
