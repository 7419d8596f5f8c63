using Gallery.LocalHosting.Running;

namespace Gallery.LocalHosting.Tests;

/// <summary>What processes are told, by the table of Aspire's conventions.</summary>
public sealed class EnvironmentTests
{
    [Fact]
    public async Task A_project_is_told_everything_in_the_exact_form_of_Aspire()
    {
        var builder = TestHost.Builder();
        var key = builder.AddParameter("jwt-key", "s3cr3t", secret: true);
        var mode = builder.AddParameter("mode", "demo", publishValueAsDefault: true);
        var redis = builder
            .AddExecutable("redis", "sleep", ".", "100")
            .WithEndpoint(targetPort: 6398, scheme: "tcp", name: "tcp", isProxied: false);
        var cache = builder
            .AddConnectionString(
                "redis-cache",
                ReferenceExpression.Create(
                    $"{redis.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort)},password={key},abortConnect=false"
                )
            )
            .WaitFor(redis);
        var catalog = builder.AddEcho("art-catalog");
        var front = builder
            .AddEcho("front")
            .WithReference(cache)
            .WithReference(cache, connectionName: "redis")
            .WithReference(catalog)
            .WithEnvironment("JWT_KEY", key)
            .WithEnvironment("MODE", mode)
            .WithEnvironment("TEXT", "text")
            .WithEnvironment("CATALOG_URL", catalog.GetEndpoint("grpc"))
            .WithEnvironment("MIXED", $"{mode}-{catalog.GetEndpoint("grpc").Property(EndpointProperty.Scheme)}")
            .WithEnvironment(context =>
                context.EnvironmentVariables["FROM_CODE"] = catalog.GetEndpoint("http").Property(EndpointProperty.Port)
            );
        await using var host = await TestHost.StartAsync(builder);
        var other = await host.ReadyAsync("art-catalog");
        var self = await host.ReadyAsync("front");
        var told = await TestHost.EnvironmentOfAsync(self);
        var (otherHttp, otherGrpc) = (Url(other, "http"), Url(other, "grpc"));

        Assert.Equal("localhost:6398,password=s3cr3t,abortConnect=false", told["ConnectionStrings__redis-cache"]);
        Assert.Equal("localhost:6398,password=s3cr3t,abortConnect=false", told["ConnectionStrings__redis"]);
        Assert.Equal(otherHttp, told["services__art-catalog__http__0"]);
        Assert.Equal(otherGrpc, told["services__art-catalog__grpc__0"]);
        Assert.Equal(otherHttp, told["ART_CATALOG_HTTP"]);
        Assert.Equal(otherGrpc, told["ART_CATALOG_GRPC"]);
        Assert.Matches("^http://localhost:[0-9]+$", otherGrpc);
        Assert.Equal("s3cr3t", told["JWT_KEY"]);
        Assert.Equal("demo", told["MODE"]);
        Assert.Equal("text", told["TEXT"]);
        Assert.Equal("demo-http", told["MIXED"]);
        Assert.Equal(otherGrpc, told["CATALOG_URL"]);
        Assert.Equal(new Uri(otherHttp).Port.ToString(System.Globalization.CultureInfo.InvariantCulture), told["FROM_CODE"]);

        Assert.Equal($"http://127.0.0.1:{new Uri(Url(self, "http")).Port}", told["Kestrel__Endpoints__http__Url"]);
        Assert.Equal($"http://127.0.0.1:{new Uri(Url(self, "grpc")).Port}", told["Kestrel__Endpoints__grpc__Url"]);
        Assert.DoesNotContain("ASPNETCORE_URLS", told);
        Assert.DoesNotContain("ASPNETCORE_ENVIRONMENT", told);

        Assert.Equal(host.Endpoints.OtlpUrl, told["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        Assert.Equal("grpc", told["OTEL_EXPORTER_OTLP_PROTOCOL"]);
        Assert.Matches("^x-otlp-api-key=[0-9a-f]{32}$", told["OTEL_EXPORTER_OTLP_HEADERS"]);
        Assert.Equal("front", told["OTEL_SERVICE_NAME"]);
        Assert.Matches("^service.instance.id=[a-z]{8}$", told["OTEL_RESOURCE_ATTRIBUTES"]);
        Assert.Equal($"front-{told["OTEL_RESOURCE_ATTRIBUTES"].Split('=')[1]}", self.InstanceName);
        Assert.Equal("in_memory", told["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"]);
        Assert.Equal("true", told["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"]);
        Assert.Equal("true", told["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"]);
        Assert.Equal("simple", told["LOGGING__CONSOLE__FORMATTERNAME"]);
        Assert.Equal("true", told["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"]);
        Assert.DoesNotContain("OTEL_TRACES_SAMPLER", told);

        Assert.True(self.Environment.Single(entry => entry.Name == "JWT_KEY").Secret);
        Assert.True(self.Environment.Single(entry => entry.Name == "ConnectionStrings__redis").Secret);
        Assert.DoesNotContain(host.Board.Find("redis")!.Environment, entry => entry.Name.StartsWith("OTEL_", StringComparison.Ordinal));
        Assert.Equal(
            "http2",
            front.Resource.Annotations.OfType<EndpointAnnotation>().Single(endpoint => endpoint.Name == "grpc").Transport
        );
    }

    [Fact]
    public async Task In_development_telemetry_is_sent_every_second()
    {
        var builder = TestHost.Builder(settings: "--environment=Development");
        builder.AddExecutable("script", "sleep", ".", "100").WithOtlpExporter();
        await using var host = await TestHost.StartAsync(builder);
        var told = (await host.ReadyAsync("script")).Environment.ToDictionary(entry => entry.Name, entry => entry.Value);

        Assert.Equal("1000", told["OTEL_BLRP_SCHEDULE_DELAY"]);
        Assert.Equal("1000", told["OTEL_BSP_SCHEDULE_DELAY"]);
        Assert.Equal("1000", told["OTEL_METRIC_EXPORT_INTERVAL"]);
        Assert.Equal("always_on", told["OTEL_TRACES_SAMPLER"]);
        Assert.Equal("trace_based", told["OTEL_METRICS_EXEMPLAR_FILTER"]);
        Assert.Equal("true", told["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"]);
        Assert.Equal("script", told["OTEL_SERVICE_NAME"]);
    }

    [Fact]
    public void A_launch_profile_gives_urls_and_variables_where_Kestrel_is_not_configured()
    {
        var builder = TestHost.Builder();
        var echo = builder.AddProject<EchoProject>("echo", options => options.ExcludeKestrelEndpoints = true);
        var endpoint = Assert.Single(echo.Resource.Annotations.OfType<EndpointAnnotation>());
        Assert.Equal(("http", 7982), (endpoint.Name, endpoint.Port));

        EndpointAllocator.Allocate([echo.Resource]);
        var told = Variables(builder, echo.Resource);
        Assert.Equal("http://localhost:7982", told["ASPNETCORE_URLS"]);
        Assert.Equal("http", told["DOTNET_LAUNCH_PROFILE"]);
        Assert.Equal("yes", told["ECHO_FROM_PROFILE"]);
        Assert.Equal("Development", told["ASPNETCORE_ENVIRONMENT"]);
    }

    [Fact]
    public void Kestrel_endpoints_win_over_the_launch_profile_and_cover_added_endpoints()
    {
        var builder = TestHost.Builder();
        var echo = builder
            .AddProject<EchoProject>("echo", options => options.LaunchProfileName = "http")
            .WithHttpEndpoint(port: 7999, name: "more", env: "MORE_PORT");
        EndpointAllocator.Allocate([echo.Resource]);
        var told = Variables(builder, echo.Resource);

        Assert.Equal("http://127.0.0.1:7980", told["Kestrel__Endpoints__http__Url"]);
        Assert.Equal("http://127.0.0.1:7981", told["Kestrel__Endpoints__grpc__Url"]);
        Assert.Equal("http://localhost:7999", told["Kestrel__Endpoints__more__Url"]);
        Assert.Equal("7999", told["MORE_PORT"]);
        Assert.DoesNotContain("ASPNETCORE_URLS", told.Keys);
    }

    [Fact]
    public async Task A_secret_on_a_command_line_is_refused()
    {
        var builder = TestHost.Builder();
        var key = builder.AddParameter("key", "s3cr3t", secret: true);
        builder.AddExecutable("leaky", "sleep", ".").WithArgs(key);
        await using var host = await TestHost.StartAsync(builder);
        var leaky = await host.WaitAsync("leaky", snapshot => snapshot.IsDown);
        Assert.Equal(ResourceStates.FailedToStart, leaky.State);
        Assert.Contains("is a secret", leaky.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_parameter_without_value_is_named()
    {
        var builder = TestHost.Builder();
        builder.AddExecutable("needy", "sleep", ".", "100").WithEnvironment("KEY", builder.AddParameter("the-key"));
        await using var host = await TestHost.StartAsync(builder);
        var needy = await host.WaitAsync("needy", snapshot => snapshot.IsDown);
        Assert.Contains("Parameters:the-key", needy.Problem, StringComparison.Ordinal);
        Assert.Equal(ResourceStates.ValueMissing, (await host.WaitAsync("the-key", snapshot => snapshot.IsDown)).State);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1redis")]
    [InlineData("redis-")]
    [InlineData("re--dis")]
    [InlineData("re dis")]
    [InlineData("re/dis")]
    public void Names_that_Aspire_refuses_are_refused(string name) =>
        Assert.Throws<ArgumentException>(() => TestHost.Builder().AddParameter(name, "value"));

    private static string Url(ResourceSnapshot snapshot, string endpoint) => snapshot.Urls.Single(url => url.EndpointName == endpoint).Url;

    private static Dictionary<string, string> Variables(IDistributedApplicationBuilder builder, IResource resource) =>
        new EnvironmentComposer(new HostEndpoints(1, 2, 3), builder.Configuration, builder.Environment)
            .VariablesAsync(resource, "abcdefgh", CancellationToken.None)
            .GetAwaiter()
            .GetResult()
            .ToDictionary(entry => entry.Name, entry => entry.Value);
}
