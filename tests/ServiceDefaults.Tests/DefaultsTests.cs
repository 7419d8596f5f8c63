using System.Net;
using Gallery.TestKit;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;

namespace Gallery.ServiceDefaults.Tests;

[Collection("probe")]
public sealed class DefaultsTests(ProbeHost probe)
{
    private const string Service = "gallery.probe.v1.ProbeService";

    [Fact]
    public async Task A_service_is_alive_healthy_and_serves_grpc()
    {
        Assert.Equal(HttpStatusCode.OK, (await probe.Host.Http.GetAsync("/alive")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await probe.Host.Http.GetAsync("/health")).StatusCode);
        var health = await new Grpc.Health.V1.Health.HealthClient(probe.Host.AnonymousChannel()).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        Assert.Equal("x", (await probe.Client().GetProbeAsync(new() { Text = "x" })).Text);
    }

    [Fact]
    public async Task Without_its_store_a_service_is_alive_but_not_healthy()
    {
        await using var host = await ServiceHost<Program>.StartAsync(o =>
            o.WithSetting("ConnectionStrings:redis", $"127.0.0.1:{FreePort.Next()},connectTimeout=200")
        );

        Assert.Equal(HttpStatusCode.OK, (await host.Http.GetAsync("/alive")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await host.Http.GetAsync("/health")).StatusCode);
        var health = await new Grpc.Health.V1.Health.HealthClient(host.AnonymousChannel()).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, health.Status);
    }

    [Fact]
    public async Task Reflection_is_served_in_both_versions()
    {
        using var alpha = new ServerReflection.ServerReflectionClient(probe.Host.AnonymousChannel()).ServerReflectionInfo();
        await alpha.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await alpha.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Contains(alpha.ResponseStream.Current.ListServicesResponse.Service, service => service.Name == Service);

        using var v1 = new Grpc.Reflection.V1.ServerReflection.ServerReflectionClient(probe.Host.AnonymousChannel()).ServerReflectionInfo();
        await v1.RequestStream.WriteAsync(new Grpc.Reflection.V1.ServerReflectionRequest { FileContainingSymbol = Service });
        Assert.True(await v1.ResponseStream.MoveNext(CancellationToken.None));
        Assert.NotEmpty(v1.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
    }
}
