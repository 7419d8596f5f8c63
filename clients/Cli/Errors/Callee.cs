using Grpc.Core;

namespace Gallery.Cli.Errors;

/// <summary>Which service a call went to: named in the message when it does not answer.</summary>
/// <param name="Service">The service's name, <c>catalog</c> for example.</param>
/// <param name="Url">Its address.</param>
internal sealed record Callee(string Service, string Url)
{
    private const string Key = "gallery.callee";

    /// <summary>Notes on an exception which service it came from.</summary>
    public void NoteOn(RpcException refused) => refused.Data[Key] = this;

    /// <summary>The service an exception came from; null when it is not known.</summary>
    public static Callee? Of(RpcException refused) => refused.Data[Key] as Callee;
}
