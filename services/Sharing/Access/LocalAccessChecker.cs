using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Sharing.Access;

/// <summary>Asks this service's own store, where the others ask over the wire.</summary>
internal sealed class LocalAccessChecker(AccessDecider decider) : IAccessChecker
{
    /// <inheritdoc />
    public async Task<bool> IsAllowedAsync(Caller caller, string action, string resourceName, CancellationToken cancellationToken) =>
        ActionName.TryParse(action, out var parsed)
        && ResourceName.TryParse(resourceName, out var resource)
        && (await decider.DecideAsync(caller.Principal, new Question(parsed, resource), cancellationToken)).Allowed;
}
