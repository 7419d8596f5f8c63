using System.Net.Http.Headers;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>Puts this service's own token on its calls.</summary>
internal sealed class ServiceTokenHandler(ServiceTokens tokens) : DelegatingHandler
{
    private const string StatusHeader = "grpc-status";
    private const string Unauthenticated = "16";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization ??= new AuthenticationHeaderValue("Bearer", await tokens.GetAsync(cancellationToken));
        var response = await base.SendAsync(request, cancellationToken);
        if (response.Headers.TryGetValues(StatusHeader, out var status) && status.Contains(Unauthenticated))
        {
            tokens.Forget(); // Refused before anything was done: the next attempt brings a new one.
        }

        return response;
    }
}
