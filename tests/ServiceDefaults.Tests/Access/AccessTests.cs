using System.Diagnostics;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Tests.Access;

[Collection("probe")]
public sealed class AccessTests(ProbeHost probe) : IAsyncLifetime
{
    private const string Action = "Microsoft.Compute/galleries/write";
    private const string Resource = $"subscriptions/{TestPrincipal.SubscriptionA}/resourceGroups/rg/galleries/G";

    private readonly ScriptedAccess _sharing = new();
    private PeerServer _peer = null!;
    private ServiceHost<Program> _host = null!;

    public async Task InitializeAsync()
    {
        _peer = await PeerServer.StartAsync(_sharing);
        _host = await ServiceHost<Program>.StartAsync(o => o.WithRedis(probe.Redis).WithPeer("sharing", _peer));
        _host.Services.GetRequiredService<ProbeScript>().Call = async (request, context) =>
        {
            var access = context.GetHttpContext().RequestServices.GetRequiredService<IAccessChecker>();
            switch (request.Text)
            {
                case "linked":
                    await access.RequireLinkedAsync(context, Action, Resource);
                    return "";
                case "or services":
                    return (await access.RequireAsync(context, Action, Resource, ["replication"])).ServiceName ?? "";
                default:
                    return (await access.RequireAsync(context, Action, Resource)).Principal.DisplayName;
            }
        };
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _peer.DisposeAsync();
    }

    [Fact]
    public async Task Sharing_is_asked_who_may_do_what()
    {
        Assert.Equal("owner", (await As(TestPrincipal.Owner).GetProbeAsync(new())).Text);

        var asked = Assert.Single(_sharing.Asked);
        Assert.Equal((Action, Resource, TestPrincipal.Owner.ObjectId), (asked.Action, asked.Resource, asked.Principal.ObjectId));
    }

    [Fact]
    public async Task Who_may_not_is_told_what_and_where()
    {
        _sharing.Deny(Action);
        var refused = await Refused.WithAsync(
            () => As(TestPrincipal.Reader).GetProbeAsync(new()),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Equal((Action, Resource), (refused.Metadata["action"], refused.Metadata["scope"]));

        await Refused.WithAsync(
            () => As(TestPrincipal.Reader).GetProbeAsync(new() { Text = "linked" }),
            StatusCode.PermissionDenied,
            ErrorReason.LinkedAuthorizationFailed
        );
    }

    [Fact]
    public async Task A_decision_is_remembered_for_less_than_a_second()
    {
        var client = As(TestPrincipal.Owner);
        await client.GetProbeAsync(new());
        for (var i = 0; i < 5; i++)
        {
            await client.GetProbeAsync(new());
        }

        await As(TestPrincipal.Contributor).GetProbeAsync(new()); // Another principal is another question.
        Assert.InRange(_sharing.Asked.Count, 2, 3);

        _sharing.Deny(Action);
        var changed = Stopwatch.GetTimestamp();
        await Eventually.Async(async () =>
        {
            try
            {
                await client.GetProbeAsync(new());
                return false;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.PermissionDenied)
            {
                return true;
            }
        });
        Assert.InRange(Stopwatch.GetElapsedTime(changed).TotalSeconds, 0, 1.5);
    }

    [Fact]
    public async Task The_gallerys_own_services_may_only_what_an_rpc_names_them_for()
    {
        Assert.Equal("replication", (await As(TestPrincipal.Service("replication")).GetProbeAsync(new() { Text = "or services" })).Text);
        await Refused.WithAsync(
            () => As(TestPrincipal.Service("billing")).GetProbeAsync(new() { Text = "or services" }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => As(TestPrincipal.Service("replication")).GetProbeAsync(new()),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Empty(_sharing.Asked);
        Assert.Equal("", (await As(TestPrincipal.Owner).GetProbeAsync(new() { Text = "or services" })).Text);
    }

    [Fact]
    public async Task When_nobody_can_decide_nobody_gets_through()
    {
        await _peer.StopAsync();
        await Refused.WithAsync(
            () => As(TestPrincipal.Owner).GetProbeAsync(new()),
            StatusCode.Unavailable,
            ErrorReason.DependencyUnavailable
        );
    }

    private ProbeService.ProbeServiceClient As(TestPrincipal principal) => new(_host.ChannelAs(principal));
}
