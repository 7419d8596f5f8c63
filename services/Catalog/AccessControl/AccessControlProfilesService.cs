using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.AccessControl;

/// <summary>In-VM access control profiles.</summary>
[NotServedYet("In-VM access control profiles can't be kept yet. Set the machines' own access rules in the image.")]
internal sealed class AccessControlProfilesService : InVmAccessControlProfileService.InVmAccessControlProfileServiceBase;

/// <summary>Versions of in-VM access control profiles.</summary>
[NotServedYet("Versions of in-VM access control profiles can't be kept yet. Set the machines' own access rules in the image.")]
internal sealed class AccessControlProfileVersionsService
    : InVmAccessControlProfileVersionService.InVmAccessControlProfileVersionServiceBase;
