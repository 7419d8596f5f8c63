using Gallery.ServiceDefaults.Names;
using Gallery.Sharing.Roles;

namespace Gallery.Sharing.Access;

/// <summary>The rule of access, without any I/O.</summary>
internal static class AccessRules
{
    /// <summary>
    /// All grants of which any single one allows the action on the resource: each holder that the principal is, each role that has the
    /// action, each scope that the resource lies in. Nothing else allows anything. Widest scope first, the principal before its groups.
    /// </summary>
    public static IEnumerable<Grant> Sufficient(IReadOnlyList<Holder> holders, ActionName action, ResourceName resource)
    {
        var roles = RoleCatalog.With(action.Value).ToArray();
        return from scope in ScopesOf(resource) from holder in holders from role in roles select new Grant(holder, role, scope);
    }

    /// <summary>The resource and all that holds it, from the subscription down.</summary>
    public static IEnumerable<ResourceName> ScopesOf(ResourceName resource)
    {
        var scopes = new Stack<ResourceName>();
        for (var scope = resource; scope is not null; scope = scope.Parent)
        {
            scopes.Push(scope);
        }

        return scopes;
    }
}
