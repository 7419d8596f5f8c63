// The whole gallery on a page: what runs, who knows whom, who waits for whom. The same text is compiled against .NET Aspire, or against
// LocalHosting/ where Aspire is not to be had. Folders, ports and development secrets come from Development/.
Console.WriteLine(GalleryHome.Mode(typeof(DistributedApplication)));

var builder = DistributedApplication.CreateBuilder(args);
var home = GalleryHome.Open(builder.Configuration, builder.AppHostDirectory);
var secrets = home.Secrets;

// Redis: a real server with one user per service; or the one that the setting ConnectionStrings:redis names, for all.
IResourceBuilder<ExecutableResource>? redis = null;
IResourceBuilder<IResourceWithConnectionString>? externalRedis = null;
if (string.IsNullOrEmpty(builder.Configuration.GetConnectionString("redis")))
{
    var server = RedisServer.Prepare(home);
    builder.Services.AddHealthChecks().AddCheck("redis-ping", server.Ping);
    redis = builder
        .AddExecutable("redis", server.Program, server.Folder, server.ConfigurationFile)
        .WithEndpoint(port: server.Port, targetPort: server.Port, scheme: "tcp", name: "tcp", isProxied: false)
        .WithHealthCheck("redis-ping");
}
else
{
    externalRedis = builder.AddConnectionString("redis");
}

// The development issuer. Any other OpenID Connect authority takes its place through Authentication:Authority.
var identity = builder
    .AddProject<Projects.Identity>("identity", launchProfileName: null)
    .WithEndpoint("http", endpoint => endpoint.Port = home.Port(10))
    .WithHttpHealthCheck("/health", endpointName: "http")
    .WithEnvironment("Identity__DataPath", home.Folder("identity"));
identity.WithEnvironment("Identity__Issuer", identity.GetEndpoint("http"));
foreach (var (index, principal) in DevelopmentPrincipals.All.Index())
{
    identity
        .WithEnvironment($"Identity__Principals__{index}__ClientId", principal.Name)
        .WithEnvironment($"Identity__Principals__{index}__ClientSecret", AddSecret($"principal-{principal.Name}"))
        .WithEnvironment($"Identity__Principals__{index}__TenantId", principal.TenantId)
        .WithEnvironment($"Identity__Principals__{index}__ObjectId", principal.ObjectId)
        .WithEnvironment($"Identity__Principals__{index}__Type", principal.IsApp ? "app" : "user")
        .WithEnvironment($"Identity__Principals__{index}__DisplayName", principal.DisplayName);
}

// The services.
var serviceCount = 0;
var catalog = AddService<Projects.Catalog>("catalog", home.Port(20), usesRedis: true);
var sharing = AddService<Projects.Sharing>("sharing", home.Port(30), usesRedis: true);
var replication = AddService<Projects.Replication>("replication", home.Port(40), usesRedis: true);
var billing = AddService<Projects.Billing>("billing", home.Port(50), usesRedis: true);

catalog.WithReference(sharing).WithReference(replication);
replication.WithReference(sharing).WithReference(catalog);
billing.WithReference(sharing).WithReference(replication).WithReference(catalog);
foreach (var (setting, value) in DevelopmentPrincipals.SharingSeed)
{
    sharing.WithEnvironment(setting, value);
}

// One process per region. Replication signs the grants by which bytes move; regions check them.
replication.WithEnvironment("Grants__PrivateKey", builder.AddParameter("grants-private-key", secrets.GrantsPrivateKey, secret: true));
replication
    .WithEnvironment("Operators__0__TenantId", DevelopmentPrincipals.Operator.TenantId)
    .WithEnvironment("Operators__0__ObjectId", DevelopmentPrincipals.Operator.ObjectId);
foreach (var (index, region) in home.Regions.Index())
{
    var (zones, restricted, capacity) = ($"{region.Zones}", $"{region.Restricted}", $"{region.CapacityBytes}");
    var node = AddService<Projects.Region>($"region-{region.Name}", home.Port(100 + (2 * index)), usesRedis: false)
        .WithEnvironment("Region__Name", region.Name)
        .WithEnvironment("Region__Zones", zones)
        .WithEnvironment("Region__DataPath", home.Folder("regions", region.Name))
        .WithEnvironment("Grants__PublicKey", secrets.GrantsPublicKey);
    if (region.CapacityBytes > 0)
    {
        node.WithEnvironment("Region__CapacityBytes", capacity);
    }

    replication
        .WithReference(node)
        .WithEnvironment($"Regions__{index}__Name", region.Name)
        .WithEnvironment($"Regions__{index}__DisplayName", region.DisplayName)
        .WithEnvironment($"Regions__{index}__Zones", zones)
        .WithEnvironment($"Regions__{index}__Restricted", restricted)
        .WithEnvironment($"Regions__{index}__Continent", region.Continent);
    Advertise($"Regions__{index}__GrpcUrl", region.GrpcUrl, node.GetEndpoint("grpc"));
    Advertise($"Regions__{index}__HttpUrl", region.HttpUrl, node.GetEndpoint("http"));
}

builder.Build().Run();

// What every service has: two ports, a health check, an authority for tokens, credentials of its own and, if it keeps records, its part of Redis.
IResourceBuilder<ProjectResource> AddService<TProject>(string name, int port, bool usesRedis)
    where TProject : IProjectMetadata, new()
{
    var secret = AddSecret($"service-{name}");
    identity
        .WithEnvironment($"Identity__Services__{serviceCount}__ClientId", name)
        .WithEnvironment($"Identity__Services__{serviceCount++}__ClientSecret", secret);
    var service = builder
        .AddProject<TProject>(name, launchProfileName: null)
        .WithEndpoint("http", endpoint => endpoint.Port = port)
        .WithEndpoint("grpc", endpoint => endpoint.Port = port + 1)
        .WithHttpHealthCheck("/health", endpointName: "http")
        .WithEnvironment("Authentication__Authority", identity.GetEndpoint("http"))
        .WithEnvironment("Authentication__RequireHttpsMetadata", "false")
        .WithEnvironment("ServiceCredentials__ClientId", name)
        .WithEnvironment("ServiceCredentials__ClientSecret", secret);
    if (usesRedis && redis is not null)
    {
        var password = AddSecret($"redis-password-{name}");
        var connection = builder.AddConnectionString(
            $"redis-{name}",
            ReferenceExpression.Create(
                $"{redis.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort)},user={name},password={password},{RedisServer.ClientOptions}"
            )
        );
        service.WithReference(connection, connectionName: "redis").WaitFor(redis);
    }
    else if (usesRedis && externalRedis is not null)
    {
        service.WithReference(externalRedis);
    }

    return service;
}

// The address by which others reach a region: its own, unless it stands behind something.
void Advertise(string setting, string address, EndpointReference own) =>
    _ = address.Length > 0 ? replication.WithEnvironment(setting, address) : replication.WithEnvironment(setting, own);

IResourceBuilder<ParameterResource> AddSecret(string name) => builder.AddParameter(name, secrets[name], secret: true);
