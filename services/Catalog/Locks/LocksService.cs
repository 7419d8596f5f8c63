using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Locks;

/// <summary>Locks.</summary>
[NotServedYet("Locks can't be kept yet. To protect a version, set block_deletion_before_end_of_life in its safety profile.")]
internal sealed class LocksService : LockService.LockServiceBase;
