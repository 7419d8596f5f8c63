using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.SoftDelete;

/// <summary>Soft-deleted versions.</summary>
[NotServedYet("Versions are not soft-deleted yet: a deleted version is gone. Publish it again under its name.")]
internal sealed class SoftDeletedVersionsService : SoftDeletedVersionService.SoftDeletedVersionServiceBase;
