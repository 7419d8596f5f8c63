using Gallery.Contracts.Common.V1;

namespace Gallery.Sharing.Access;

/// <summary>Whoever can hold a role: a user, a service principal or a group, within its tenant.</summary>
/// <param name="TenantId">The tenant, in lower case. Object ids of one tenant mean nothing in another.</param>
/// <param name="ObjectId">The object id, in lower case.</param>
internal readonly record struct Holder(string TenantId, string ObjectId)
{
    /// <summary>The part of keys and fields that names the holder.</summary>
    public string Key => $"{TenantId}/{ObjectId}";

    /// <summary>All that roles of a principal can hang on: itself first, then its groups, each once.</summary>
    public static IReadOnlyList<Holder> Of(Principal principal)
    {
        var tenant = principal.TenantId.ToLowerInvariant();
        return
        [
            .. principal
                .GroupIds.Prepend(principal.ObjectId)
                .Where(id => id.Length > 0)
                .Select(id => new Holder(tenant, id.ToLowerInvariant()))
                .Distinct(),
        ];
    }
}
