using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Applications;

/// <summary>Applications.</summary>
[NotServedYet("Applications can't be kept yet. Publish software as part of an image version.")]
internal sealed class ApplicationsService : ApplicationService.ApplicationServiceBase;

/// <summary>Application versions.</summary>
[NotServedYet("Application versions can't be kept yet. Publish software as part of an image version.")]
internal sealed class ApplicationVersionsService : ApplicationVersionService.ApplicationVersionServiceBase;
