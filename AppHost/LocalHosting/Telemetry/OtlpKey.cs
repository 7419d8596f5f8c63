using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Configuration;

namespace Gallery.LocalHosting.Telemetry;

/// <summary>Only what was started from here may send telemetry.</summary>
internal static class OtlpKey
{
    private const string Header = "x-otlp-api-key";

    public static void Require(ServerCallContext context, IConfiguration configuration)
    {
        var given = context.RequestHeaders.GetValue(Header) ?? "";
        var expected = configuration["AppHost:OtlpApiKey"] ?? "";
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected)))
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, $"The header {Header} is missing or wrong."));
        }
    }
}
