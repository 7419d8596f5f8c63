using System.Globalization;
using Duende.IdentityModel.Client;

namespace Gallery.Cli.Login;

/// <summary>A token and when it ends.</summary>
internal sealed record IssuedToken(string AccessToken, DateTimeOffset ExpireTime);

/// <summary>Gets tokens from an OpenID Connect issuer by client credentials.</summary>
internal sealed class TokenSource(TimeProvider time) : IDisposable
{
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(15) };

    /// <summary>Asks for a token.</summary>
    /// <param name="authority">The issuer's URL; its discovery document names the token endpoint. Clear text only to this machine.</param>
    /// <param name="clientId">Who asks.</param>
    /// <param name="clientSecret">The secret.</param>
    /// <param name="scope">The scope; null to leave it to the issuer.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="CommandFailure">The issuer does not answer, or refuses.</exception>
    public async Task<IssuedToken> RequestAsync(
        string authority,
        string clientId,
        string clientSecret,
        string? scope,
        CancellationToken cancellation
    )
    {
        var issuer = await http.GetDiscoveryDocumentAsync(authority, cancellation);
        cancellation.ThrowIfCancellationRequested();
        if (issuer.IsError)
        {
            throw issuer.ErrorType == ResponseErrorType.Exception && issuer.Exception is HttpRequestException or TaskCanceledException
                ? CommandFailure.Unavailable(
                    $"The issuer does not answer at {authority}.",
                    "Start the gallery ('./start'), or name the issuer with --authority.",
                    issuer.Exception
                )
                : CommandFailure.Failed(
                    $"{authority} is not an issuer that can be used: {issuer.Error}",
                    "Check --authority.",
                    issuer.Exception
                );
        }

        using var request = new ClientCredentialsTokenRequest
        {
            Address = issuer.TokenEndpoint,
            ClientId = clientId,
            ClientSecret = clientSecret,
            Scope = scope,
        };
        var asked = time.GetUtcNow();
        var answer = await http.RequestClientCredentialsTokenAsync(request, cancellation);
        cancellation.ThrowIfCancellationRequested();
        if (answer is { IsError: false, AccessToken: { Length: > 0 } token })
        {
            return new IssuedToken(token, asked + TimeSpan.FromSeconds(answer.ExpiresIn > 0 ? answer.ExpiresIn : 300));
        }

        throw answer.ErrorType == ResponseErrorType.Exception || (int)answer.HttpStatusCode >= 500
            ? CommandFailure.Unavailable($"The issuer at {authority} gave no token: {answer.Error}", inner: answer.Exception)
            : new CommandFailure(
                ExitCode.NotSignedIn,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The issuer at {authority} refused the client '{clientId}': {answer.ErrorDescription ?? answer.Error}"
                ),
                "Check the client id, the secret and --scope."
            );
    }

    /// <inheritdoc />
    public void Dispose() => http.Dispose();
}
