using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Resilience;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;
using Polly.CircuitBreaker;

namespace Gallery.ServiceDefaults.Tests.Clients;

/// <summary>A person calls the probe, whose handler calls another service with the probe's own credentials.</summary>
[Collection("probe")]
public sealed class ClientTests(ProbeHost probe) : IAsyncLifetime
{
    private readonly ProbeScript _other = new();
    private PeerServer _peer = null!;
    private ServiceHost<Program> _host = null!;
    private ProbeService.ProbeServiceClient _client = null!;

    public async Task InitializeAsync()
    {
        _peer = await PeerServer.StartAsync(new ProbeGrpcService(_other));
        _host = await StartAsync();
        _client = new ProbeService.ProbeServiceClient(_host.ChannelAs(TestPrincipal.Owner));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _peer.DisposeAsync();
    }

    [Fact]
    public async Task Calls_carry_the_services_own_token_which_is_fetched_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _client.GetProbeAsync(new() { Text = "get" }).ResponseAsync));

        Assert.Equal(10, _peer.Calls.Count);
        Assert.Equal(1, _host.Issuer.TokensIssued);
        Assert.All(
            _peer.Calls,
            call =>
                Assert.Contains(
                    new JsonWebToken(call.Token).Claims,
                    claim => claim is { Type: "roles", Value: "gallery.service.servicedefaults.tests" }
                )
        );
    }

    [Theory]
    [InlineData("get", "", 3)]
    [InlineData("put", "id-1", 3)]
    [InlineData("put", "", 1)]
    public async Task Only_calls_that_may_be_repeated_are_repeated_when_the_service_is_unavailable(
        string rpc,
        string requestId,
        int attempts
    )
    {
        var count = 0;
        _other.Call = (_, _) =>
            ++count < 3
                ? throw GalleryError.Unavailable(ErrorReason.RegionUnavailable, "away", TimeSpan.FromSeconds(1))
                : Task.FromResult("done");

        if (attempts == 1)
        {
            await Refused.WithAsync(
                () => _client.GetProbeAsync(new() { Text = rpc, RequestId = requestId }),
                StatusCode.Unavailable,
                ErrorReason.RegionUnavailable
            );
        }
        else
        {
            Assert.Equal("done", (await _client.GetProbeAsync(new() { Text = rpc, RequestId = requestId })).Text);
        }

        Assert.Equal(attempts, count);
    }

    public static TheoryData<StatusCode, ErrorReason, StatusCode, ErrorReason> Answers() =>
        new()
        {
            // What the other service refuses for our caller's sake passes.
            { StatusCode.NotFound, ErrorReason.ResourceNotFound, StatusCode.NotFound, ErrorReason.ResourceNotFound },
            { StatusCode.FailedPrecondition, ErrorReason.SourceNotUsable, StatusCode.FailedPrecondition, ErrorReason.SourceNotUsable },
            { StatusCode.ResourceExhausted, ErrorReason.StorageExhausted, StatusCode.ResourceExhausted, ErrorReason.StorageExhausted },
            { StatusCode.Unavailable, ErrorReason.RegionUnavailable, StatusCode.Unavailable, ErrorReason.RegionUnavailable },
            // That it refuses our credentials is the operator's business.
            {
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed,
                StatusCode.Unavailable,
                ErrorReason.ServiceCredentialsRefused
            },
            { StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed, StatusCode.Unavailable, ErrorReason.ServiceCredentialsRefused },
            { StatusCode.Internal, ErrorReason.InternalError, StatusCode.Internal, ErrorReason.InternalError },
            { StatusCode.Unimplemented, ErrorReason.Unspecified, StatusCode.Internal, ErrorReason.InternalError },
            { StatusCode.DeadlineExceeded, ErrorReason.Unspecified, StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
            { StatusCode.Unavailable, ErrorReason.Unspecified, StatusCode.Unavailable, ErrorReason.DependencyUnavailable },
        };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task The_answer_of_another_service_is_told_as_our_caller_can_use_it(
        StatusCode answered,
        ErrorReason answeredReason,
        StatusCode told,
        ErrorReason toldReason
    )
    {
        _other.Call = (_, _) =>
            throw (
                answeredReason == ErrorReason.Unspecified
                    ? new RpcException(new Status(answered, "x"))
                    : GalleryError.Create(answered, answeredReason, "x")
            );

        foreach (var rpc in new[] { "put", "watch", "send" })
        {
            await Refused.WithAsync(() => _client.GetProbeAsync(new() { Text = rpc }), told, toldReason);
        }
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_unavailable_and_found_again()
    {
        await _peer.StopAsync();
        await Refused.WithAsync(
            () => _client.GetProbeAsync(new() { Text = "get" }),
            StatusCode.Unavailable,
            ErrorReason.DependencyUnavailable
        );

        await _peer.StartAgainAsync();
        await Eventually.Async(async () =>
        {
            try
            {
                return (await _client.GetProbeAsync(new() { Text = "get" })).Text == "get";
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task A_token_that_is_refused_is_replaced_once()
    {
        await _client.GetProbeAsync(new() { Text = "get" });
        var first = _peer.Calls[0].Token;
        _other.Call = (_, context) =>
            context.RequestHeaders.GetValue("authorization") == $"Bearer {first}"
                ? throw GalleryError.AuthenticationFailed("old key")
                : Task.FromResult("done");
        await Task.Delay(1100); // Tokens made within a second are alike.

        Assert.Equal("done", (await _client.GetProbeAsync(new() { Text = "put" })).Text);
        Assert.Equal((2, 3), (_host.Issuer.TokensIssued, _peer.Calls.Count));
    }

    [Fact]
    public async Task Deadlines_are_given_and_handed_on()
    {
        DateTime? deadline = null;
        _other.Call = (_, context) =>
        {
            deadline = context.Deadline;
            return Task.FromResult("");
        };

        await _client.GetProbeAsync(new() { Text = "get" });
        Assert.InRange(deadline!.Value, DateTime.UtcNow.AddSeconds(5), DateTime.UtcNow.AddSeconds(10.5));
        await _client.GetProbeAsync(new() { Text = "get" }, deadline: DateTime.UtcNow.AddSeconds(3));
        Assert.InRange(deadline!.Value, DateTime.UtcNow, DateTime.UtcNow.AddSeconds(3));
    }

    [Fact]
    public async Task A_caller_that_gives_up_ends_the_call_to_the_other_service()
    {
        var ended = new TaskCompletionSource();
        _other.Call = async (_, context) =>
        {
            context.CancellationToken.Register(() => ended.TrySetResult());
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return "";
        };

        using var giveUp = new CancellationTokenSource(500);
        await Assert.ThrowsAsync<RpcException>(async () =>
            await _client.GetProbeAsync(new() { Text = "get" }, cancellationToken: giveUp.Token)
        );
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_service_that_stays_away_is_not_asked_for_a_while()
    {
        var states = _host.Services.GetRequiredService<CircuitStates>();
        Assert.Equal(CircuitState.Closed, states.StateOf(ClientExtensions.PipelineOf("other")));
        _other.Call = (_, _) => throw new RpcException(new Status(StatusCode.Unavailable, "away"));
        for (var i = 0; i < 6; i++)
        {
            await Assert.ThrowsAsync<RpcException>(async () => await _client.GetProbeAsync(new() { Text = "get" }));
        }

        Assert.Equal(CircuitState.Open, states.StateOf(ClientExtensions.PipelineOf("other")));
        var asked = _peer.Calls.Count;
        await Refused.WithAsync(
            () => _client.GetProbeAsync(new() { Text = "get" }),
            StatusCode.Unavailable,
            ErrorReason.DependencyUnavailable
        );
        Assert.Equal(asked, _peer.Calls.Count);

        _other.Call = (_, _) => Task.FromResult("back");
        await Task.Delay(2100);
        Assert.Equal("back", (await _client.GetProbeAsync(new() { Text = "get" })).Text);
        Assert.Equal(CircuitState.Closed, states.StateOf(ClientExtensions.PipelineOf("other")));
    }

    [Fact]
    public async Task Without_an_issuer_a_service_can_call_nobody_and_says_so()
    {
        await using var issuer = await TestIssuer.StartAsync();
        await using var host = await StartAsync(o => o.WithIssuer(issuer));
        var token = issuer.TokenOf(TestPrincipal.Owner);
        var client = new ProbeService.ProbeServiceClient(host.ChannelWithToken(token));
        await client.GetProbeAsync(new() { Text = "none" }); // The service has the issuer's keys now.
        await issuer.DisposeAsync();

        await Refused.WithAsync(
            () => client.GetProbeAsync(new() { Text = "put" }),
            StatusCode.Unavailable,
            ErrorReason.DependencyUnavailable
        );
    }

    [Fact]
    public async Task Credentials_that_the_authority_refuses_are_the_operators_fault_and_logged_as_an_error()
    {
        await using var host = await StartAsync(o => o.WithSetting("ServiceCredentials:ClientSecret", "wrong"));
        var client = new ProbeService.ProbeServiceClient(host.ChannelAs(TestPrincipal.Owner));

        var refused = await Refused.WithAsync(
            () => client.GetProbeAsync(new() { Text = "put" }),
            StatusCode.Unavailable,
            ErrorReason.ServiceCredentialsRefused
        );

        Assert.Contains("operator", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", refused.Message, StringComparison.Ordinal);
        Assert.Contains(host.Logs, line => line.Contains("refuses this service's credentials", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_service_that_refuses_ours_is_logged_as_an_error()
    {
        _other.Call = (_, _) => throw GalleryError.AuthorizationFailed("x", "y");
        await Refused.WithAsync(
            () => _client.GetProbeAsync(new() { Text = "get" }),
            StatusCode.Unavailable,
            ErrorReason.ServiceCredentialsRefused
        );
        Assert.Contains(_host.Logs, line => line.Contains("a service refuses this service's credentials", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_service_without_credentials_of_its_own_does_not_start()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(o => o.WithSetting("ServiceCredentials:ClientId", "")));
        Assert.Contains("ClientId", error.ToString(), StringComparison.Ordinal);
    }

    private Task<ServiceHost<Program>> StartAsync(Action<ServiceHostBuilder>? more = null) =>
        ServiceHost<Program>.StartAsync(o =>
        {
            o.WithRedis(probe.Redis)
                .WithPeer("other", _peer)
                .WithServices(services => services.AddSingleton(new ProbeScript { Call = CallOtherAsync }));
            more?.Invoke(o);
        });

    private static async Task<string> CallOtherAsync(ProbeRequest request, ServerCallContext context)
    {
        var other = context.GetHttpContext().RequestServices.GetRequiredService<ProbeService.ProbeServiceClient>();
        return request.Text switch
        {
            "none" => "",
            "get" => (await other.GetProbeAsync(request)).Text,
            "watch" => await WatchAsync(other.WatchProbe(request)),
            "send" => await SendAsync(other.SendProbe()),
            _ => (await other.PutProbeAsync(request)).Text,
        };
    }

    private static async Task<string> WatchAsync(AsyncServerStreamingCall<ProbeResponse> call)
    {
        using (call)
        {
            var last = "";
            await foreach (var response in call.ResponseStream.ReadAllAsync())
            {
                last = response.Text;
            }

            return last;
        }
    }

    private static async Task<string> SendAsync(AsyncClientStreamingCall<ProbeRequest, ProbeResponse> call)
    {
        using (call)
        {
            await call.RequestStream.CompleteAsync();
            return (await call).Text;
        }
    }
}
