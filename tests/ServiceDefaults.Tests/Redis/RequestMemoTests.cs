using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Gallery.ServiceDefaults.Tests.Probe;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Tests.Redis;

[Collection("probe")]
public sealed class RequestMemoTests(ProbeHost probe)
{
    private readonly string _subscription = Guid.NewGuid().ToString();

    private Partition Partition => probe.Store.PartitionOf(_subscription);

    [Fact]
    public async Task A_repeated_request_gets_the_first_answer_and_changes_nothing()
    {
        var first = await CreateAsync(Request("x"), "first");
        var second = await CreateAsync(Request("x"), "second");

        Assert.Equal(("first", false), first);
        Assert.Equal(("first", true), second);
        Assert.Equal(1, await probe.Redis.Database.HashGetAsync(Partition.Key("count", _subscription), "n"));
        var found = await probe.Store.FindAnswerAsync(Memo(Request("x")), ProbeResponse.Parser);
        Assert.Equal("first", found!.Text);
    }

    [Fact]
    public async Task At_the_same_time_only_one_is_carried_out()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => CreateAsync(Request("x"), $"{i}")));

        Assert.Single(answers, answer => !answer.Replayed);
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Equal(1, await probe.Redis.Database.HashGetAsync(Partition.Key("count", _subscription), "n"));
    }

    [Fact]
    public async Task Another_request_with_the_same_id_is_refused()
    {
        await CreateAsync(Request("x"), "first");

        var error = await Assert.ThrowsAsync<RpcException>(() => CreateAsync(Request("y"), "second"));
        Assert.Equal((StatusCode.FailedPrecondition, ErrorReason.RequestIdReused), (error.StatusCode, GalleryError.ReasonOf(error)));
        error = await Assert.ThrowsAsync<RpcException>(() => probe.Store.FindAnswerAsync(Memo(Request("y")), ProbeResponse.Parser));
        Assert.Equal(ErrorReason.RequestIdReused, GalleryError.ReasonOf(error));
        error = await Assert.ThrowsAsync<RpcException>(() =>
            probe.Store.FindAnswerAsync(Memo(Request("x"), "/other"), ProbeResponse.Parser)
        );
        Assert.Equal(ErrorReason.RequestIdReused, GalleryError.ReasonOf(error));
    }

    [Fact]
    public async Task A_refused_request_is_not_remembered()
    {
        var memo = Memo(Request("x"));
        await Assert.ThrowsAsync<RpcException>(() =>
            probe.Store.ExecuteAsync(
                new RedisMutation(Partition)
                    .RequirePresent(Partition.Key("none"), () => GalleryError.NotFound("x", "x"))
                    .Remember(memo, new ProbeResponse())
            )
        );
        Assert.Null(await probe.Store.FindAnswerAsync(memo, ProbeResponse.Parser));
    }

    [Fact]
    public async Task The_order_of_a_maps_entries_makes_no_other_request()
    {
        var (one, two) = (Request("x"), Request("x"));
        one.Labels.Add("a", "1");
        one.Labels.Add("b", "2");
        two.Labels.Add("b", "2");
        two.Labels.Add("a", "1");
        await CreateAsync(one, "first");

        Assert.Equal(("first", true), await CreateAsync(two, "second"));
    }

    [Fact]
    public async Task The_memory_ends_after_a_day()
    {
        await CreateAsync(Request("x"), "first");
        var life = await probe.Redis.Database.KeyTimeToLiveAsync(Partition.Key("req", _subscription, "id-1"));
        Assert.InRange(life!.Value, TimeSpan.FromHours(23), TimeSpan.FromHours(24));
    }

    [Fact]
    public void Without_a_request_id_nothing_is_remembered() => Assert.Null(Memo(new ProbeRequest()));

    [Theory]
    [InlineData("has space")]
    [InlineData("tab\t")]
    [InlineData("umlaut-ä")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789")]
    public void A_malformed_request_id_is_refused(string id)
    {
        var error = Assert.Throws<RpcException>(() => Memo(new ProbeRequest { RequestId = id }));
        Assert.Equal((StatusCode.InvalidArgument, ErrorReason.InvalidParameter), (error.StatusCode, GalleryError.ReasonOf(error)));
    }

    private static ProbeRequest Request(string text) => new() { Text = text, RequestId = "id-1" };

    private RequestMemo? Memo(ProbeRequest request, string method = "/probe") =>
        RequestMemo.For(Partition, _subscription, request.RequestId, method, request);

    private async Task<(string Text, bool Replayed)> CreateAsync(ProbeRequest request, string text)
    {
        var answer = new ProbeResponse { Text = text };
        var result = await probe.Store.ExecuteAsync(
            new RedisMutation(Partition)
                .RequireAbsent(Partition.Key("item", _subscription), () => GalleryError.AlreadyExists("item", "x"))
                .PutRecord(Partition.Key("item", _subscription), answer, Etag.New())
                .Increment(Partition.Key("count", _subscription), "n", 1)
                .Remember(Memo(request), answer)
        );
        return (result.Answer(answer).Text, result.Replayed);
    }
}
