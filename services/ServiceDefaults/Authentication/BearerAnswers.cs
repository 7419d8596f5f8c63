using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;

namespace Gallery.ServiceDefaults.Authentication;

/// <summary>
/// Says why a token was not accepted: UNAUTHENTICATED with a reason for gRPC, 401 for HTTP; and UNAVAILABLE or 503 when the authority can't
/// be
/// reached, because then nobody knows whether the token is good.
/// </summary>
internal sealed class BearerAnswers : JwtBearerEvents
{
    private const int RetrySeconds = 2;
    private static readonly object AuthorityAway = new();

    public override Task MessageReceived(MessageReceivedContext context)
    {
        // Whoever is let in without a token may carry one of another kind, such as a grant: it is not ours to judge.
        if (context.HttpContext.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            context.NoResult();
        }

        return Task.CompletedTask;
    }

    public override async Task AuthenticationFailed(AuthenticationFailedContext context)
    {
        try
        {
            await context.Options.ConfigurationManager!.GetConfigurationAsync(context.HttpContext.RequestAborted);
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or HttpRequestException)
        {
            context.HttpContext.Items[AuthorityAway] = true;
        }
    }

    public override Task Challenge(JwtBearerChallengeContext context)
    {
        var http = context.HttpContext;
        var away = http.Items.ContainsKey(AuthorityAway);
        if (GrpcAnswer.IsGrpc(http.Request))
        {
            context.HandleResponse();
            GrpcAnswer.Refuse(
                http,
                away
                    ? GalleryError.Unavailable(
                        ErrorReason.DependencyUnavailable,
                        "The token can't be checked: the authority that issued it does not answer. Try again.",
                        TimeSpan.FromSeconds(RetrySeconds)
                    )
                    : GalleryError.AuthenticationFailed(Explain(context.AuthenticateFailure))
            );
        }
        else if (away)
        {
            context.HandleResponse();
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            http.Response.Headers.RetryAfter = RetrySeconds.ToString(CultureInfo.InvariantCulture);
        }

        return Task.CompletedTask;
    }

    public override Task Forbidden(ForbiddenContext context)
    {
        if (GrpcAnswer.IsGrpc(context.Request))
        {
            GrpcAnswer.Refuse(context.HttpContext, GalleryError.AuthorizationFailed(context.Request.Path, "the service"));
        }

        return Task.CompletedTask;
    }

    private static string Explain(Exception? failure) =>
        failure switch
        {
            null => "The call carries no token: send the header 'authorization: Bearer <token>'.",
            SecurityTokenExpiredException expired => string.Create(
                CultureInfo.InvariantCulture,
                $"The token expired at {expired.Expires:yyyy-MM-dd HH:mm:ss} UTC. Get a new one."
            ),
            SecurityTokenNotYetValidException => "The token is not valid yet: compare the clocks of its issuer and this service.",
            SecurityTokenInvalidAudienceException => "The token is for another audience.",
            SecurityTokenInvalidIssuerException => "The token is from an issuer that is not trusted here.",
            SecurityTokenSignatureKeyNotFoundException
            or SecurityTokenInvalidSignatureException
            or SecurityTokenInvalidAlgorithmException => "The token was not signed by the trusted issuer.",
            SecurityTokenMalformedException or ArgumentException => "The token is malformed.",
            _ => "The token is not accepted.",
        };
}
