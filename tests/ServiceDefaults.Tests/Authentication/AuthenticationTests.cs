using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using Google.Rpc;
using Grpc.Core;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.ServiceDefaults.Tests.Authentication;

[Collection("probe")]
public sealed class AuthenticationTests(ProbeHost probe)
{
    private TestIssuer Issuer => probe.Host.Issuer;

    [Fact]
    public async Task A_call_without_a_token_is_unauthenticated()
    {
        var client = new ProbeService.ProbeServiceClient(probe.Host.AnonymousChannel());
        var refused = await Refused.WithAsync(
            () => client.GetProbeAsync(new()),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
        Assert.Contains("carries no token", refused.Message, StringComparison.Ordinal);
        await Refused.WithAsync(() => client.WatchProbe(new()), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed);

        Assert.Equal(HttpStatusCode.Unauthorized, (await probe.Host.Http.GetAsync("/closed")).StatusCode);
        Assert.Equal("open", await probe.Host.Http.GetStringAsync("/open"));
    }

    public static TheoryData<string, string> BadTokens() =>
        new()
        {
            { "expired", "expired at" },
            { "not yet", "not valid yet" },
            { "audience", "another audience" },
            { "issuer", "issuer" },
            { "another key", "not signed" },
            { "shared secret", "not signed" },
            { "no signature", "" },
            { "changed", "not signed" },
            { "garbage", "malformed" },
            { "huge", "" },
        };

    [Theory]
    [MemberData(nameof(BadTokens))]
    public async Task A_bad_token_is_unauthenticated_and_the_caller_is_told_why(string what, string said)
    {
        var good = Issuer.TokenOf(TestPrincipal.Owner);
        await using var stranger = what == "another key" ? await TestIssuer.StartAsync(newKey: true) : null;
        var token = what switch
        {
            "expired" => Issuer.TokenOf(TestPrincipal.Owner, expires: DateTime.UtcNow.AddMinutes(-5)),
            "not yet" => Issuer.TokenOf(TestPrincipal.Owner, expires: DateTime.UtcNow.AddHours(3)),
            "audience" => Issuer.TokenOf(TestPrincipal.Owner, audience: "somebody-else"),
            "issuer" => Issuer.TokenOf(TestPrincipal.Owner, issuer: "http://somebody.else/"),
            "another key" => stranger!.TokenOf(TestPrincipal.Owner, issuer: Issuer.Url),
            "shared secret" => SharedSecret(good),
            "no signature" => $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{good.Split('.')[1]}.",
            "changed" => Changed(good),
            "garbage" => "garbage",
            "huge" => new string('x', 20_000),
            _ => throw new ArgumentOutOfRangeException(nameof(what)),
        };

        var client = new ProbeService.ProbeServiceClient(probe.Host.ChannelWithToken(token));
        var refused = await Refused.WithAsync(
            () => client.GetProbeAsync(new()),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/closed");
        request.Headers.Authorization = new("Bearer", token);
        Assert.Equal(HttpStatusCode.Unauthorized, (await probe.Host.Http.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task The_caller_is_who_the_token_says()
    {
        Caller? seen = null;
        var client = probe.Client(
            (_, context) =>
            {
                seen = Caller.From(context);
                return Task.FromResult("");
            },
            TestPrincipal.Pipeline with
            {
                Groups = ["AAAAAAAA-0000-0000-0000-000000000001", "bbbbbbbb-0000-0000-0000-000000000001"],
            }
        );
        await client.GetProbeAsync(new());

        Assert.Equal(
            new Principal
            {
                TenantId = TestPrincipal.TenantA,
                ObjectId = TestPrincipal.Pipeline.ObjectId,
                DisplayName = "pipeline",
                Type = PrincipalType.ServicePrincipal,
                GroupIds = { "aaaaaaaa-0000-0000-0000-000000000001", "bbbbbbbb-0000-0000-0000-000000000001" },
            },
            seen!.Principal
        );
        Assert.Null(seen.ServiceName);
        Assert.False(seen.IsService());
    }

    [Fact]
    public async Task A_token_that_names_nobody_is_unauthenticated()
    {
        var client = probe.Client(
            (_, context) => Task.FromResult(Caller.From(context).Principal.ObjectId),
            new TestPrincipal("x", "no-uuid", "no-uuid")
        );
        await Refused.WithAsync(() => client.GetProbeAsync(new()), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed);
    }

    [Fact]
    public async Task Only_the_services_named_get_through()
    {
        Task<string> OnlyReplication(ProbeRequest request, ServerCallContext context) =>
            Task.FromResult(context.RequireService("replication", "billing").ServiceName!);

        Assert.Equal("replication", (await probe.Client(OnlyReplication, TestPrincipal.Service("replication")).GetProbeAsync(new())).Text);
        foreach (
            var other in new[]
            {
                TestPrincipal.Service("catalog"),
                TestPrincipal.Owner,
                TestPrincipal.Owner with
                {
                    Roles = ["gallery.service."],
                },
            }
        )
        {
            await Refused.WithAsync(
                () => probe.Client(OnlyReplication, other).GetProbeAsync(new()),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed
            );
        }
    }

    [Fact]
    public async Task While_the_issuer_is_away_nobody_is_told_that_their_token_is_bad()
    {
        var port = FreePort.Next();
        await using var issuer = await TestIssuer.StartAsync(port);
        var token = issuer.TokenOf(TestPrincipal.Owner);
        await issuer.DisposeAsync();
        await using var host = await ServiceHost<Program>.StartAsync(o => o.WithRedis(probe.Redis).WithIssuer(issuer));
        var client = new ProbeService.ProbeServiceClient(host.ChannelWithToken(token));

        var refused = await Refused.WithAsync(() => client.GetProbeAsync(new()), StatusCode.Unavailable, ErrorReason.DependencyUnavailable);
        Assert.True(refused.Detail<RetryInfo>().RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/closed");
        request.Headers.Authorization = new("Bearer", token);
        using var answer = await host.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);

        // The issuer comes up later than the service.
        await using var late = await TestIssuer.StartAsync(port);
        await Eventually.Async(async () =>
        {
            try
            {
                await client.GetProbeAsync(new());
                return true;
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task New_keys_of_the_issuer_are_noticed()
    {
        var port = FreePort.Next();
        await using var before = await TestIssuer.StartAsync(port, newKey: true);
        await using var host = await ServiceHost<Program>.StartAsync(o => o.WithRedis(probe.Redis).WithIssuer(before));
        await new ProbeService.ProbeServiceClient(host.ChannelAs(TestPrincipal.Owner)).GetProbeAsync(new());
        await before.DisposeAsync();
        await using var after = await TestIssuer.StartAsync(port, newKey: true);

        var client = new ProbeService.ProbeServiceClient(host.ChannelWithToken(after.TokenOf(TestPrincipal.Owner)));
        await Eventually.Async(
            async () =>
            {
                try
                {
                    await client.GetProbeAsync(new());
                    return true;
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.Unauthenticated)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(20)
        );
    }

    private static string Changed(string token)
    {
        var parts = token.Split('.');
        var payload = Base64UrlEncoder
            .Decode(parts[1])
            .Replace(TestPrincipal.Owner.ObjectId, TestPrincipal.Reader.ObjectId, StringComparison.Ordinal);
        return $"{parts[0]}.{Base64UrlEncoder.Encode(payload)}.{parts[2]}";
    }

    // The known attack: the public key, which everybody has, used as the secret of an HMAC.
    private static string SharedSecret(string token)
    {
        var unsigned = $"{Base64UrlEncoder.Encode("""{"alg":"HS256","typ":"JWT"}""")}.{token.Split('.')[1]}";
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes("public key"), Encoding.UTF8.GetBytes(unsigned));
        return $"{unsigned}.{Base64UrlEncoder.Encode(signature)}";
    }
}
