using Gallery.Identity.Clients;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gallery.Identity.Tokens;

/// <summary>Refuses whoever can't name a client and its secret.</summary>
internal sealed partial class ValidateClient(ClientDirectory clients, ILogger<ValidateClient> logger)
    : IOpenIddictServerHandler<ValidateTokenRequestContext>
{
    public ValueTask HandleAsync(ValidateTokenRequestContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (clients.SignIn(context.ClientId, context.ClientSecret) is null)
        {
            LogRefused(context.ClientId);
            context.Reject(Errors.InvalidClient, "There is no client with this client_id and client_secret.");
        }

        return ValueTask.CompletedTask;
    }

    [LoggerMessage(1, LogLevel.Warning, "Client {ClientId} was refused: unknown, or a wrong secret")]
    private partial void LogRefused(string? clientId);
}
