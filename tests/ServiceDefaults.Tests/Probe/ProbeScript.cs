using Gallery.ServiceDefaults.Events;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Tests.Probe;

/// <summary>What the probe service does.</summary>
public sealed class ProbeScript
{
    public Func<ProbeRequest, ServerCallContext, Task<string>> Call { get; set; } = (request, _) => Task.FromResult(request.Text);

    public Func<EventDelivery, CancellationToken, Task> Handle { get; set; } = (_, _) => Task.CompletedTask;
}

internal sealed class ProbeGrpcService(ProbeScript script) : ProbeService.ProbeServiceBase
{
    public override async Task<ProbeResponse> GetProbe(ProbeRequest request, ServerCallContext context) =>
        new() { Text = await script.Call(request, context) };

    public override async Task<ProbeResponse> PutProbe(ProbeRequest request, ServerCallContext context) =>
        new() { Text = await script.Call(request, context) };

    public override async Task WatchProbe(
        ProbeRequest request,
        IServerStreamWriter<ProbeResponse> responseStream,
        ServerCallContext context
    )
    {
        await responseStream.WriteAsync(new ProbeResponse { Text = "first" });
        await responseStream.WriteAsync(new ProbeResponse { Text = await script.Call(request, context) });
    }

    public override async Task<ProbeResponse> SendProbe(IAsyncStreamReader<ProbeRequest> requestStream, ServerCallContext context)
    {
        var last = new ProbeRequest();
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
        {
            last = request;
        }

        return new ProbeResponse { Text = await script.Call(last, context) };
    }
}

internal sealed class ProbeEvents(ProbeScript script) : IEventDeliveryHandler
{
    public Task HandleAsync(EventDelivery delivery, CancellationToken cancellationToken) => script.Handle(delivery, cancellationToken);
}
