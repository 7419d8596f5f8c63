using Duende.IdentityModel.Client;
using Gallery.TestKit;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Gallery.Identity.Tests;

/// <summary>The issuer with one principal of each kind, in a folder of its own.</summary>
internal sealed class IssuerHost : IAsyncDisposable
{
    public const string UserSecret = "secret-of-the-owner";
    public const string ServiceSecret = "secret-of-replication";
    public const string Group = "99999999-0000-0000-0000-000000000001";

    private readonly ServiceHost<Program> _host;

    private IssuerHost(ServiceHost<Program> host, int port)
    {
        _host = host;
        Url = $"http://127.0.0.1:{port}/";
    }

    public string Url { get; }

    public HttpClient Http => _host.Http;

    public static async Task<IssuerHost> StartAsync(string dataPath, Action<ServiceHostBuilder>? more = null)
    {
        var port = FreePort.Next();
        var host = await ServiceHost<Program>.StartAsync(o =>
        {
            o.WithSystemTime()
                .WithSetting("Kestrel:Endpoints:http:Url", $"http://127.0.0.1:{port}")
                .WithSetting("Identity:Issuer", $"http://127.0.0.1:{port}/")
                .WithSetting("Identity:DataPath", dataPath)
                .WithSetting("Identity:Principals:0:ClientId", "owner")
                .WithSetting("Identity:Principals:0:ClientSecret", UserSecret)
                .WithSetting("Identity:Principals:0:TenantId", TestPrincipal.TenantA.ToUpperInvariant())
                .WithSetting("Identity:Principals:0:ObjectId", TestPrincipal.Owner.ObjectId)
                .WithSetting("Identity:Principals:0:DisplayName", "The owner")
                .WithSetting("Identity:Principals:0:Groups:0", Group)
                .WithSetting("Identity:Principals:1:ClientId", "pipeline")
                .WithSetting("Identity:Principals:1:ClientSecret", "secret-of-the-pipeline")
                .WithSetting("Identity:Principals:1:TenantId", TestPrincipal.TenantA)
                .WithSetting("Identity:Principals:1:ObjectId", TestPrincipal.Pipeline.ObjectId)
                .WithSetting("Identity:Principals:1:Type", "app")
                .WithSetting("Identity:Services:0:ClientId", "replication")
                .WithSetting("Identity:Services:0:ClientSecret", ServiceSecret);
            more?.Invoke(o);
        });
        return new IssuerHost(host, port);
    }

    public async Task<TokenResponse> AskAsync(
        string clientId,
        string secret,
        ClientCredentialStyle style = ClientCredentialStyle.PostBody,
        string? scope = null
    )
    {
        using var http = new HttpClient();
        using var request = new ClientCredentialsTokenRequest
        {
            Address = $"{Url}connect/token",
            ClientId = clientId,
            ClientSecret = secret,
            ClientCredentialStyle = style,
            Scope = scope,
        };
        return await http.RequestClientCredentialsTokenAsync(request);
    }

    public async Task<JsonWebToken> TokenAsync(string clientId, string secret)
    {
        var answer = await AskAsync(clientId, secret);
        Assert.False(answer.IsError, $"{answer.Error} {answer.ErrorDescription}");
        return new JsonWebToken(answer.AccessToken);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
