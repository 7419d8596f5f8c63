namespace Gallery.ServiceDefaults.Access;

/// <summary>Decides who may do what. Whatever is not allowed is denied.</summary>
public interface IAccessChecker
{
    /// <summary>Whether a caller may perform an action on a resource.</summary>
    /// <param name="caller">Who wants to.</param>
    /// <param name="action">The action, <c>Microsoft.Compute/galleries/write</c> for example.</param>
    /// <param name="resourceName">The resource it would be done to: assignments on it or above it count.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<bool> IsAllowedAsync(Caller caller, string action, string resourceName, CancellationToken cancellationToken);
}
