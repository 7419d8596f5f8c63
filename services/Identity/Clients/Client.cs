namespace Gallery.Identity.Clients;

/// <summary>Somebody who signed in: what their token says.</summary>
/// <param name="TenantId">Claim <c>tid</c>.</param>
/// <param name="ObjectId">Claims <c>oid</c> and <c>sub</c>.</param>
/// <param name="Type">Claim <c>idtyp</c>.</param>
/// <param name="DisplayName">Claim <c>name</c>.</param>
/// <param name="Groups">Claim <c>groups</c>.</param>
/// <param name="Roles">Claim <c>roles</c>.</param>
internal sealed record Client(
    string TenantId,
    string ObjectId,
    string Type,
    string DisplayName,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Roles
);
