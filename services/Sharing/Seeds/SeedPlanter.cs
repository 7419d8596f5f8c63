using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Gallery.Sharing.Assignments;
using Gallery.Sharing.Subscriptions;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Sharing.Seeds;

/// <summary>
/// Plants the configured seeds before the service answers calls. Each is planted once in the life of the installation: what an administrator
/// took away later stays away, however often the service starts.
/// </summary>
internal sealed partial class SeedPlanter(
    RedisStore store,
    AssignmentStore assignments,
    SubscriptionStore subscriptions,
    TimeProvider clock,
    IOptions<SeedOptions> options,
    ILogger<SeedPlanter> logger
) : IHostedService
{
    private const string Planter = "configuration";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (wantedSubscriptions, wantedAssignments) = SeedReader.Read(options.Value);
        while (true)
        {
            try
            {
                await PlantAsync(wantedSubscriptions, wantedAssignments, cancellationToken);
                return;
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                LogWaiting(exception.Message); // Redis may come up later. Without the seeds nobody could do anything here.
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task PlantAsync(
        IReadOnlyList<Subscription> wantedSubscriptions,
        IReadOnlyList<PlannedAssignment> wantedAssignments,
        CancellationToken cancellationToken
    )
    {
        foreach (var subscription in wantedSubscriptions)
        {
            await PlantAsync(subscription, cancellationToken);
        }

        foreach (var assignment in wantedAssignments)
        {
            await PlantAsync(assignment, cancellationToken);
        }
    }

    private async Task PlantAsync(Subscription subscription, CancellationToken cancellationToken)
    {
        var id = subscription.Name[(subscription.Name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        subscription.Uid = Guid.NewGuid().ToString("D");
        subscription.Etag = Etag.New();
        subscription.CreateTime = subscription.UpdateTime = clock.GetUtcNow().ToTimestamp();
        var key = SharingKeys.Subscription(store, id);
        var mutation = new RedisMutation(store.PartitionOf(id))
            .RequireAbsent(key, () => GalleryError.AlreadyExists("subscription", subscription.Name))
            .PutRecord(key, subscription, subscription.Etag);
        if (await TryAsync(mutation, cancellationToken))
        {
            LogSubscriptionPlanted(subscription.Name, subscription.TenantId);
        }
    }

    private async Task PlantAsync(PlannedAssignment planned, CancellationToken cancellationToken)
    {
        var subscriptionId = planned.Draft.Scope.SubscriptionId;
        var subscription =
            await subscriptions.FindAsync(subscriptionId, cancellationToken)
            ?? throw new InvalidOperationException(
                $"Seed:Assignments: the subscription of the scope '{planned.Draft.Scope}' is not in the directory. Add it to Seed:Subscriptions."
            );
        var seeds = SharingKeys.Seeds(store, subscriptionId);
        if (await store.Database.HashExistsAsync(seeds, planned.Key).WaitAsync(cancellationToken))
        {
            return;
        }

        var assignment = planned.Draft.Complete(planned.Role, subscription.TenantId, Planter, clock.GetUtcNow(), Etag.New());
        var planted = await TryAsync(
            assignments
                .Create(assignment)
                .RequireFieldAbsent(seeds, planned.Key, () => GalleryError.AlreadyExists("seed", planned.Key))
                .SetHashField(seeds, planned.Key, assignment.Id),
            cancellationToken
        );
        if (planted)
        {
            LogAssignmentPlanted(planned.Role.DisplayName, planned.Draft.Scope.Value, assignment.Record.PrincipalId);
            return;
        }

        // Another instance planted it just now, or somebody gave the same role by hand: either way the seed is used up.
        await TryAsync(
            new RedisMutation(store.PartitionOf(subscriptionId)).SetHashField(seeds, planned.Key, assignment.Id),
            cancellationToken
        );
    }

    private async Task<bool> TryAsync(RedisMutation mutation, CancellationToken cancellationToken)
    {
        try
        {
            await store.ExecuteAsync(mutation, cancellationToken);
            return true;
        }
        catch (RpcException refused) when (GalleryError.ReasonOf(refused) == ErrorReason.ResourceAlreadyExists)
        {
            return false;
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Entered the subscription {Subscription} of tenant {TenantId}")]
    private partial void LogSubscriptionPlanted(string subscription, string tenantId);

    [LoggerMessage(2002, LogLevel.Information, "Gave the role {Role} at {Scope} to {PrincipalId}")]
    private partial void LogAssignmentPlanted(string role, string scope, string principalId);

    [LoggerMessage(2003, LogLevel.Warning, "The seeds wait for Redis: {Reason}")]
    private partial void LogWaiting(string reason);
}
