using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Node;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Region.Tests.Serving;

[Collection("nodes")]
public sealed class ServingTests(NodesFixture nodes)
{
    [Fact]
    public async Task A_thousand_machines_cost_one_read_of_the_disk()
    {
        const int Readers = 1000;
        await using var node = await nodes.StartAsync("westus");
        var disk = TestDisk.Make(900, 24);
        string[] replicas = ["warm-0", "warm-1", "warm-2", "warm-3", "warm-4"];
        await MakeReplicasAsync(node, disk, replicas);
        using var reads = new ReadMeter(node);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Readers),
            new ParallelOptions { MaxDegreeOfParallelism = 100 },
            async (reader, cancellation) =>
            {
                var replica = replicas[reader % replicas.Length];
                var bytes = reader % 2 == 0 ? await node.Client.ReadAsync(replica) : await GetAsync(node, replica, cancellation);
                Assert.True(disk.AsSpan().SequenceEqual(bytes));
            }
        );
        // Once each block, and the manifest, from whichever of the replicas was asked first.
        Assert.InRange(reads.Bytes, TestDisk.Occupied(disk), TestDisk.Occupied(disk) + (64 * 1024));
    }

    [Fact]
    public async Task A_replica_with_as_many_readers_as_it_may_have_refuses_more_and_another_replica_does_not()
    {
        await using var node = await nodes.StartAsync(
            "westus",
            settings: [("Region:MaxReplicaReaders", "2"), ("Region:MaxReplicaBytesPerSecond", "1000000")]
        );
        var disk = TestDisk.Make(901, 64);
        await MakeReplicasAsync(node, disk, "busy", "idle");
        using (var first = await OpenAsync(node, "busy"))
        using (var second = await OpenAsync(node, "busy"))
        {
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode));
            using var third = await OpenAsync(node, "busy");
            Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(1), third.Headers.RetryAfter!.Delta);
            Assert.Contains("ReplicaBusy", await third.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            var refused = await Refused.WithAsync(
                () => node.Client.ReadAsync("busy", 0, 10),
                StatusCode.ResourceExhausted,
                ErrorReason.ReplicaBusy
            );
            Assert.Equal(TimeSpan.FromSeconds(1), refused.Detail<RetryInfo>().RetryDelay.ToTimeSpan());
            Assert.Equal(disk[..100], await node.Client.ReadAsync("idle", 0, 100));
        }

        await Eventually.Async(
            async () =>
            {
                using var again = await OpenAsync(node, "busy");
                return again.StatusCode == HttpStatusCode.OK;
            },
            what: "the readers that left to make room"
        );
    }

    [Fact]
    public async Task Readers_wait_for_their_share_of_the_replicas_bandwidth()
    {
        const int PerSecond = 1_000_000;
        await using var node = await nodes.StartAsync("westus", settings: ("Region:MaxReplicaBytesPerSecond", $"{PerSecond}"));
        var disk = TestDisk.Make(902, 20);
        await MakeReplicasAsync(node, disk, "slow");
        var clock = Stopwatch.StartNew();
        var (one, two) = (GetAsync(node, "slow", default), GetAsync(node, "slow", default));
        Assert.Equal(disk, await one);
        Assert.Equal(disk, await two);
        // No faster than allowed, whatever the machine does: both together, but for what a replica gives at once after a pause.
        Assert.InRange(clock.Elapsed.TotalSeconds, (2.0 * disk.Length / PerSecond) - 0.5, double.MaxValue);
    }

    private static async Task MakeReplicasAsync(TestNode node, byte[] disk, params string[] replicas)
    {
        var content = await node.Client.PublishAsync("serving", disk);
        foreach (var (ordinal, replica) in replicas.Index())
        {
            await node.Client.PullAsync(NodeClient.Order(replica, content, node.Client.FromUpload("serving"), ordinal: ordinal));
        }
    }

    private async Task<HttpResponseMessage> OpenAsync(TestNode node, string replica)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/replicas/{replica}/disks/os");
        request.Headers.Authorization = new("Bearer", nodes.Grants.Read("westus", replica));
        return await node.Host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private async Task<byte[]> GetAsync(TestNode node, string replica, CancellationToken cancellationToken)
    {
        using var response = await OpenAsync(node, replica);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    /// <summary>Counts what a node reads from its stores for readers.</summary>
    private sealed class ReadMeter : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _bytes;

        public ReadMeter(TestNode node)
        {
            var meter = node.Host.Services.GetRequiredService<RegionTelemetry>().Meter;
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter && instrument.Name == "gallery.region.read")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, bytes, _, _) => Interlocked.Add(ref _bytes, bytes));
            _listener.Start();
        }

        public long Bytes => Interlocked.Read(ref _bytes);

        public void Dispose() => _listener.Dispose();
    }
}
