using System.Diagnostics;
using Gallery.Contracts.Sharing.V1;
using Microsoft.Extensions.Caching.Memory;

namespace Gallery.ServiceDefaults.Access;

/// <summary>
/// Asks Sharing, and remembers a decision for less than a second: a change of assignments takes effect that soon without any message
/// between the services.
/// </summary>
internal sealed class SharingAccessChecker(AccessService.AccessServiceClient sharing) : IAccessChecker, IDisposable
{
    private const int MostDecisions = 10_000;
    private static readonly TimeSpan Memory = TimeSpan.FromMilliseconds(900);

    private readonly MemoryCache _decisions = new(new MemoryCacheOptions { SizeLimit = MostDecisions });

    public async Task<bool> IsAllowedAsync(Caller caller, string action, string resourceName, CancellationToken cancellationToken)
    {
        if (caller.ServiceName is not null)
        {
            return false; // What the gallery's own services may do stands in the rpcs, not in role assignments.
        }

        var question = new Question(
            caller.Principal.TenantId,
            caller.Principal.ObjectId,
            string.Join(',', caller.Principal.GroupIds),
            action,
            resourceName.ToLowerInvariant()
        );
        if (_decisions.TryGetValue(question, out bool allowed))
        {
            return allowed;
        }

        var asked = Stopwatch.GetTimestamp();
        var decision = await sharing.CheckAccessAsync(
            new CheckAccessRequest
            {
                Principal = caller.Principal,
                Action = action,
                Resource = resourceName,
            },
            cancellationToken: cancellationToken
        );
        var left = Memory - Stopwatch.GetElapsedTime(asked);
        if (left > TimeSpan.Zero)
        {
            _decisions.Set(question, decision.Allowed, new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = left, Size = 1 });
        }

        return decision.Allowed;
    }

    public void Dispose() => _decisions.Dispose();

    private sealed record Question(string TenantId, string ObjectId, string Groups, string Action, string Resource);
}
