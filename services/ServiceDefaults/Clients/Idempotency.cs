using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>Which calls may be repeated when it is not known whether they were carried out.</summary>
internal static class Idempotency
{
    private static readonly string[] ReadingVerbs = ["Get", "List", "Check", "BatchGet", "BatchCheck", "Estimate", "Resolve", "Find"];

    /// <summary>A call that only reads, or that carries a request id by which the service knows it again.</summary>
    public static bool MayRepeat(string method, object request) =>
        ReadingVerbs.Any(verb => method.StartsWith(verb, StringComparison.Ordinal)) || HasRequestId(request);

    private static bool HasRequestId(object request) =>
        request is IMessage message
        && message.Descriptor.FindFieldByName("request_id") is { FieldType: FieldType.String, IsRepeated: false } field
        && ((string)field.Accessor.GetValue(message)).Length > 0;
}
