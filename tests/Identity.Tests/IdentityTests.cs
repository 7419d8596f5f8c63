using System.Net;
using System.Text.Json;
using Duende.IdentityModel.Client;
using Gallery.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Identity.Tests;

public sealed class IdentityTests : IAsyncLifetime
{
    private readonly string _data = Path.Combine(Path.GetTempPath(), $"gallery-identity-{Guid.NewGuid():N}");
    private IssuerHost _issuer = null!;

    public async Task InitializeAsync() => _issuer = await IssuerHost.StartAsync(_data);

    public async Task DisposeAsync()
    {
        await _issuer.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task It_is_alive_and_healthy()
    {
        Assert.Equal(HttpStatusCode.OK, (await new HttpClient().GetAsync($"{_issuer.Url}health")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await new HttpClient().GetAsync($"{_issuer.Url}alive")).StatusCode);
    }

    [Fact]
    public async Task Discovery_names_the_issuer_its_keys_and_the_token_endpoint()
    {
        using var http = new HttpClient();
        var document = await http.GetDiscoveryDocumentAsync(_issuer.Url);

        Assert.False(document.IsError, document.Error);
        Assert.Equal(_issuer.Url, document.Issuer);
        Assert.Equal($"{_issuer.Url}connect/token", document.TokenEndpoint);
        Assert.Equal(["client_credentials"], document.GrantTypesSupported);
        var key = Assert.Single(document.KeySet!.Keys);
        Assert.Equal("RS256", key.Alg);
        Assert.Null(key.D);
    }

    [Fact]
    public async Task A_user_gets_a_token_that_says_who_they_are()
    {
        var token = await _issuer.TokenAsync("owner", IssuerHost.UserSecret);

        Assert.Equal("RS256", token.Alg);
        Assert.Equal(_issuer.Url, token.Issuer);
        Assert.Equal(["gallery"], token.Audiences);
        Assert.Equal(TestPrincipal.TenantA, token.GetClaim("tid").Value);
        Assert.Equal(TestPrincipal.Owner.ObjectId, token.GetClaim("oid").Value);
        Assert.Equal(TestPrincipal.Owner.ObjectId, token.Subject);
        Assert.Equal("user", token.GetClaim("idtyp").Value);
        Assert.Equal("The owner", token.GetClaim("name").Value);
        Assert.Equal(IssuerHost.Group, Assert.Single(token.Claims, claim => claim.Type == "groups").Value);
        Assert.DoesNotContain(token.Claims, claim => claim.Type == "roles");
        Assert.InRange(token.ValidTo - token.IssuedAt, TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));
    }

    [Fact]
    public async Task A_program_gets_a_token_of_type_app()
    {
        var token = await _issuer.TokenAsync("pipeline", "secret-of-the-pipeline");

        Assert.Equal("app", token.GetClaim("idtyp").Value);
        Assert.Equal("pipeline", token.GetClaim("name").Value);
    }

    [Fact]
    public async Task A_service_gets_its_role()
    {
        var token = await _issuer.TokenAsync("replication", IssuerHost.ServiceSecret);

        Assert.Equal("gallery.service.replication", Assert.Single(token.Claims, claim => claim.Type == "roles").Value);
        Assert.Equal("app", token.GetClaim("idtyp").Value);
        Assert.True(Guid.TryParse(token.GetClaim("oid").Value, out _));
    }

    [Theory]
    [InlineData(ClientCredentialStyle.PostBody)]
    [InlineData(ClientCredentialStyle.AuthorizationHeader)]
    public async Task The_secret_may_come_in_the_body_or_the_header(ClientCredentialStyle style) =>
        Assert.False((await _issuer.AskAsync("owner", IssuerHost.UserSecret, style, "gallery")).IsError);

    [Theory]
    [InlineData("owner", "wrong")]
    [InlineData("nobody", IssuerHost.UserSecret)]
    [InlineData("OWNER", IssuerHost.UserSecret)]
    [InlineData("replication", IssuerHost.UserSecret)]
    public async Task A_wrong_secret_or_client_is_refused(string clientId, string secret)
    {
        var answer = await _issuer.AskAsync(clientId, secret);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.HttpStatusCode);
        Assert.Null(answer.AccessToken);
        var json = JsonDocument.Parse(answer.Raw!).RootElement;
        Assert.Equal("invalid_client", json.GetProperty("error").GetString());
        Assert.NotEmpty(json.GetProperty("error_description").GetString()!);
    }

    [Theory]
    [InlineData("password", "unsupported_grant_type")]
    [InlineData("authorization_code", "unsupported_grant_type")]
    [InlineData("", "invalid_request")]
    public async Task An_unknown_grant_is_refused(string grant, string error)
    {
        using var http = new HttpClient();
        using var body = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = grant,
                ["client_id"] = "owner",
                ["client_secret"] = IssuerHost.UserSecret,
                ["username"] = "owner",
                ["password"] = IssuerHost.UserSecret,
                ["code"] = "x",
            }
        );
        using var answer = await http.PostAsync(new Uri($"{_issuer.Url}connect/token"), body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(error, json.GetProperty("error").GetString());
        Assert.NotEmpty(json.GetProperty("error_description").GetString()!);
    }

    [Fact]
    public async Task The_key_survives_a_restart_and_only_its_owner_can_read_it()
    {
        var before = await _issuer.TokenAsync("owner", IssuerHost.UserSecret);
        await _issuer.DisposeAsync();
        _issuer = await IssuerHost.StartAsync(_data);

        Assert.Equal(before.Kid, (await _issuer.TokenAsync("owner", IssuerHost.UserSecret)).Kid);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "signing-key.pem")));
    }

    [Fact]
    public async Task A_service_accepts_the_token()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting();
        builder
            .Services.AddAuthentication()
            .AddJwtBearer(bearer =>
            {
                bearer.Authority = _issuer.Url;
                bearer.Audience = "gallery";
                bearer.RequireHttpsMetadata = false;
                bearer.MapInboundClaims = false;
            });
        builder.Services.AddAuthorization();
        await using var service = builder.Build();
        service.MapGet("/", (HttpContext http) => http.User.FindFirst("oid")!.Value).RequireAuthorization();
        await service.StartAsync();

        using var http = new HttpClient { BaseAddress = new Uri(service.Urls.Single()) };
        http.SetBearerToken((await _issuer.AskAsync("owner", IssuerHost.UserSecret)).AccessToken!);
        Assert.Equal(TestPrincipal.Owner.ObjectId, await http.GetStringAsync("/"));
        http.SetBearerToken("x" + (await _issuer.AskAsync("owner", IssuerHost.UserSecret)).AccessToken![1..]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/")).StatusCode);
    }

    [Theory]
    [InlineData("Identity:Issuer", "http://gallery.example/", "loopback")]
    [InlineData("Identity:Principals:1:ClientId", "owner", "same ClientId")]
    [InlineData("Identity:Principals:0:ObjectId", "not-a-uuid", "ObjectId")]
    [InlineData("Identity:Services:0:ClientSecret", "", "ClientSecret")]
    [InlineData("Identity:TokenLifetime", "00:00:01", "TokenLifetime")]
    public async Task A_wrong_configuration_stops_the_start(string key, string value, string said)
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            IssuerHost.StartAsync(Path.Combine(_data, "x"), o => o.WithSetting(key, value))
        );

        Assert.Contains(said, error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_data, "x")));
    }
}
