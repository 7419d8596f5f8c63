using Gallery.ServiceDefaults.Names;
using Gallery.Sharing.Roles;

namespace Gallery.Sharing.Access;

/// <summary>That a holder has a role at a scope: what an assignment says, without its id. There is at most one assignment of each grant.</summary>
internal sealed record Grant(Holder Holder, Role Role, ResourceName Scope)
{
    /// <summary>Names the grant within its subscription: the same for two grants that differ in case only.</summary>
    public string Key => $"{Holder.Key}|{Role.Id}|{Scope.Key}";
}
