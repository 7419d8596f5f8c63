using Duende.IdentityModel.Client;
using Gallery.ServiceDefaults.Authentication;
using Gallery.ServiceDefaults.Errors;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>This service's own access token: fetched from the authority's token endpoint, kept until shortly before it expires.</summary>
internal sealed partial class ServiceTokens(
    IHttpClientFactory clients,
    IOptions<GalleryAuthenticationOptions> authentication,
    IOptions<ServiceCredentialsOptions> credentials,
    ILogger<ServiceTokens> logger
) : IDisposable
{
    public const string HttpClientName = "gallery-authority";

    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private Token? _token;

    /// <summary>The token, from memory or from the authority.</summary>
    /// <exception cref="Grpc.Core.RpcException">UNAVAILABLE: the authority does not answer, or refuses this service.</exception>
    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        if (_token is { } kept && kept.IsFresh)
        {
            return kept.Value;
        }

        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (_token is { } fetched && fetched.IsFresh)
            {
                return fetched.Value;
            }

            _token = await FetchAsync(cancellationToken);
            return _token.Value;
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>Forgets a token that a service refused: the authority may have new keys.</summary>
    public void Forget() => _token = null;

    public void Dispose() => _fetching.Dispose();

    private async Task<Token> FetchAsync(CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(HttpClientName);
        using var discovery = new DiscoveryDocumentRequest
        {
            Address = authentication.Value.Authority,
            Policy = { RequireHttps = authentication.Value.RequireHttpsMetadata },
        };
        var document = await client.GetDiscoveryDocumentAsync(discovery, cancellationToken);
        if (document.IsError)
        {
            LogNoAuthority(authentication.Value.Authority, document.Error);
            throw GalleryError.DependencyUnavailable("identity");
        }

        using var request = new ClientCredentialsTokenRequest
        {
            Address = document.TokenEndpoint,
            ClientId = credentials.Value.ClientId,
            ClientSecret = credentials.Value.ClientSecret,
            Scope = credentials.Value.Scope.Length == 0 ? null : credentials.Value.Scope,
        };
        var answer = await client.RequestClientCredentialsTokenAsync(request, cancellationToken);
        if (answer.IsError || answer.AccessToken is null)
        {
            LogRefused(credentials.Value.ClientId, answer.Error, answer.ErrorDescription);
            throw GalleryError.ServiceCredentialsRefused("identity");
        }

        var life = TimeSpan.FromSeconds(answer.ExpiresIn);
        var margin = life > 2 * Margin ? Margin : life / 2;
        return new Token(answer.AccessToken, Environment.TickCount64 + (long)(life - margin).TotalMilliseconds);
    }

    [LoggerMessage(300, LogLevel.Warning, "The authority {Authority} does not answer: {Error}")]
    private partial void LogNoAuthority(string authority, string? error);

    [LoggerMessage(301, LogLevel.Error, "The authority refuses this service's credentials (client {ClientId}): {Error} {Description}")]
    private partial void LogRefused(string clientId, string? error, string? description);

    // Tokens age by the system's clock, whatever clock the service's rules use.
    private sealed record Token(string Value, long FreshUntil)
    {
        public bool IsFresh => Environment.TickCount64 < FreshUntil;
    }
}
