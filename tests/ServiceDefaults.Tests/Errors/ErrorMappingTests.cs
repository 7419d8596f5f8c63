using System.Net;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Polly.CircuitBreaker;
using Polly.Timeout;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Tests.Errors;

[Collection("probe")]
public sealed class ErrorMappingTests(ProbeHost probe)
{
    public static TheoryData<string, StatusCode, ErrorReason> Thrown() =>
        new()
        {
            { "not found", StatusCode.NotFound, ErrorReason.ResourceNotFound },
            { "defect", StatusCode.Internal, ErrorReason.InternalError },
            { "no such key", StatusCode.Internal, ErrorReason.InternalError },
            { "redis connection", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "redis timeout", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "redis loading", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "redis wrong type", StatusCode.Internal, ErrorReason.InternalError },
            { "circuit", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "timeout", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "cancelled inside", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "not overridden", StatusCode.Unimplemented, ErrorReason.NotSupportedYet },
            { "a peer's connection", StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { "a peer's defect", StatusCode.Internal, ErrorReason.InternalError },
            { "protobuf", StatusCode.InvalidArgument, ErrorReason.InvalidParameter },
        };

    private static Exception Make(string what) =>
        what switch
        {
            "not found" => GalleryError.NotFound("probe", "x"),
            "defect" => new InvalidOperationException("a secret of the inside"),
            "no such key" => new KeyNotFoundException(),
            "redis connection" => new RedisConnectionException(
                ConnectionFailureType.UnableToConnect,
                CommandFlags.None,
                "x",
                null,
                CommandStatus.Unknown
            ),
            "redis timeout" => new RedisTimeoutException(CommandFlags.None, "x", CommandStatus.Sent),
            "redis loading" => new RedisServerException(
                RedisErrorKind.Loading,
                CommandFlags.None,
                "LOADING Redis is loading the dataset in memory"
            ),
            "redis wrong type" => new RedisServerException(
                RedisErrorKind.WrongType,
                CommandFlags.None,
                "WRONGTYPE Operation against a key"
            ),
            "circuit" => new BrokenCircuitException(),
            "timeout" => new TimeoutRejectedException(),
            "cancelled inside" => new OperationCanceledException(),
            "not overridden" => new RpcException(new Grpc.Core.Status(StatusCode.Unimplemented, "")),
            "a peer's connection" => new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "connection refused")),
            "a peer's defect" => new RpcException(new Grpc.Core.Status(StatusCode.Internal, "secret")),
            "protobuf" => Assert.ThrowsAny<InvalidProtocolBufferException>(() => ProbeRequest.Parser.ParseFrom([255, 255])),
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };

    [Theory]
    [MemberData(nameof(Thrown))]
    public async Task Whatever_a_handler_throws_the_caller_gets_a_typed_error(string what, StatusCode code, ErrorReason reason)
    {
        var client = probe.Client((_, _) => throw Make(what));

        Refused[] answers =
        [
            await Refused.WithAsync(() => client.GetProbeAsync(new()), code, reason),
            await Refused.WithAsync(() => client.WatchProbe(new()), code, reason),
            await Refused.WithAsync(
                async () =>
                {
                    using var call = client.SendProbe();
                    await call.RequestStream.CompleteAsync();
                    await call;
                },
                code,
                reason
            ),
        ];

        Assert.All(
            answers,
            answer =>
            {
                Assert.DoesNotContain("secret", answer.Message, StringComparison.Ordinal);
                if (code == StatusCode.Unavailable)
                {
                    Assert.True(answer.Detail<RetryInfo>().RetryDelay.ToTimeSpan() > TimeSpan.Zero);
                }
            }
        );
    }

    [Fact]
    public async Task A_defect_is_logged_under_the_id_that_the_caller_is_told()
    {
        var client = probe.Client((_, _) => throw new InvalidOperationException("a secret of the inside"));
        var refused = await Refused.WithAsync(() => client.GetProbeAsync(new()), StatusCode.Internal, ErrorReason.InternalError);

        var id = refused.Detail<RequestInfo>().RequestId;
        Assert.Contains(id, refused.Message, StringComparison.Ordinal);
        Assert.Contains(
            probe.Host.Logs,
            line => line.Contains(id, StringComparison.Ordinal) && line.Contains("a secret of the inside", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_call_that_runs_out_of_time_or_is_cancelled_ends_so()
    {
        var client = probe.Client(
            async (_, context) =>
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return "";
            }
        );

        var before = probe.Host.Logs.Count;
        var late = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.GetProbeAsync(new(), deadline: DateTime.UtcNow.AddMilliseconds(200))
        );
        Assert.Equal(StatusCode.DeadlineExceeded, late.StatusCode);
        using var cancel = new CancellationTokenSource(200);
        var cancelled = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.GetProbeAsync(new(), cancellationToken: cancel.Token)
        );
        Assert.Equal(StatusCode.Cancelled, cancelled.StatusCode);
        await Task.Delay(100);
        Assert.DoesNotContain(probe.Host.Logs.Skip(before), line => line.Contains("Canceled", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(new byte[] { 255, 255, 255 })]
    [InlineData(new byte[] { 10, 100, 1 })]
    [InlineData(new byte[] { 10, 2, 0xC3, 0x28 })] // No UTF-8.
    public async Task Bytes_that_are_no_message_are_an_invalid_argument(byte[] bytes)
    {
        var invoker = probe.Host.ChannelAs(TestPrincipal.Owner).CreateCallInvoker();
        var marshaller = Marshallers.Create(data => data, data => data);
        Method<byte[], byte[]> Raw(MethodType type, string name) =>
            new(type, "gallery.probe.v1.ProbeService", name, marshaller, marshaller);

        await Refused.WithAsync(
            () => invoker.AsyncUnaryCall(Raw(MethodType.Unary, "GetProbe"), null, default, bytes),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => invoker.AsyncServerStreamingCall(Raw(MethodType.ServerStreaming, "WatchProbe"), null, default, bytes),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            async () =>
            {
                using var call = invoker.AsyncClientStreamingCall(Raw(MethodType.ClientStreaming, "SendProbe"), null, default);
                await call.RequestStream.WriteAsync(bytes);
                await call.RequestStream.CompleteAsync();
                await call;
            },
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task A_broken_frame_is_an_invalid_argument_too()
    {
        using var http = new HttpClient();
        foreach (var frame in new byte[][] { [], [0, 0, 0], [0, 0, 0, 0, 9, 1], [7, 0, 0, 0, 0], [0, 255, 255, 255, 255, 1] })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{probe.Host.GrpcUrl}/gallery.probe.v1.ProbeService/GetProbe")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(frame) { Headers = { ContentType = new("application/grpc") } },
            };
            request.Headers.Authorization = new("Bearer", probe.Host.Issuer.TokenOf(TestPrincipal.Owner));
            request.Headers.TE.Add(new("trailers"));
            using var answer = await http.SendAsync(request);
            await answer.Content.ReadAsByteArrayAsync();
            Assert.True(
                answer.TrailingHeaders.Contains("grpc-status") || answer.Headers.Contains("grpc-status"),
                $"{Convert.ToHexString(frame)} {answer}"
            );
            var status = (
                answer.TrailingHeaders.TryGetValues("grpc-status", out var trailer) ? trailer : answer.Headers.GetValues("grpc-status")
            ).Single();
            Assert.Contains(status, new[] { "3", "8", "12" }); // INVALID_ARGUMENT; too large; unknown compression.
        }
    }

    [Fact]
    public async Task A_long_answer_reaches_the_client_whole()
    {
        var client = probe.Client(
            (_, _) => throw GalleryError.InvalidParameter([.. Enumerable.Range(0, 100).Select(i => ($"field{i}", new string('ä', 600)))])
        );

        var refused = await Refused.WithAsync(() => client.GetProbeAsync(new()), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
        Assert.Contains("field0", refused.Fields);
        Assert.Contains("more", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_there_is_unimplemented()
    {
        var invoker = probe.Host.ChannelAs(TestPrincipal.Owner).CreateCallInvoker();
        var marshaller = Marshallers.Create(data => data, data => data);
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await invoker.AsyncUnaryCall(
                new Method<byte[], byte[]>(MethodType.Unary, "gallery.probe.v1.ProbeService", "DropProbe", marshaller, marshaller),
                null,
                default,
                []
            )
        );
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }
}
