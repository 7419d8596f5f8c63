using Gallery.TestKit;

namespace Gallery.Sharing.Tests;

/// <summary>Sharing on a real Redis, seeded as the suite seeds it.</summary>
public sealed class SharingFixture : IAsyncLifetime
{
    public const string Owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    public const string Contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c";
    public const string Reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    public const string ImageReader = "cf7c76d2-98a3-4358-a134-615aa78bf44d";
    public const string SubscriptionA = $"subscriptions/{TestPrincipal.SubscriptionA}";
    public const string SubscriptionB = $"subscriptions/{TestPrincipal.SubscriptionB}";

    private ServiceHost<Program>? _host;

    public RedisServer Redis { get; } = new();

    internal ServiceHost<Program> Host => _host!;

    public async Task InitializeAsync()
    {
        await Redis.InitializeAsync();
        _host = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await Redis.DisposeAsync();
    }

    /// <summary>Starts a further instance on the same Redis, or on another.</summary>
    internal Task<ServiceHost<Program>> StartAsync(RedisServer? redis = null, Action<ServiceHostBuilder>? configure = null) =>
        ServiceHost<Program>.StartAsync(builder =>
        {
            builder.WithRedis(redis ?? Redis);
            Seed(builder);
            configure?.Invoke(builder);
        });

    private static void Seed(ServiceHostBuilder builder)
    {
        builder
            .WithSetting("Seed:Subscriptions:0:Id", TestPrincipal.SubscriptionA)
            .WithSetting("Seed:Subscriptions:0:TenantId", TestPrincipal.TenantA)
            .WithSetting("Seed:Subscriptions:0:DisplayName", "Contoso")
            .WithSetting("Seed:Subscriptions:1:Id", TestPrincipal.SubscriptionB)
            .WithSetting("Seed:Subscriptions:1:TenantId", TestPrincipal.TenantB);
        Assign(builder, 0, TestPrincipal.Owner, "User", Owner, SubscriptionA);
        Assign(builder, 1, TestPrincipal.Contributor, "User", Contributor, SubscriptionA);
        Assign(builder, 2, TestPrincipal.Reader, "User", Reader, SubscriptionA);
        Assign(builder, 3, TestPrincipal.Pipeline, "ServicePrincipal", Contributor, SubscriptionA);
        Assign(builder, 4, TestPrincipal.OtherOwner, "User", Owner, SubscriptionB);
    }

    private static void Assign(ServiceHostBuilder builder, int index, TestPrincipal principal, string type, string role, string scope) =>
        builder
            .WithSetting($"Seed:Assignments:{index}:PrincipalId", principal.ObjectId)
            .WithSetting($"Seed:Assignments:{index}:PrincipalType", type)
            .WithSetting($"Seed:Assignments:{index}:RoleId", role)
            .WithSetting($"Seed:Assignments:{index}:Scope", scope);
}

[CollectionDefinition("sharing")]
public sealed class SharingCollection : ICollectionFixture<SharingFixture>;
