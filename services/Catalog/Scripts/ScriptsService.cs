using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Scripts;

/// <summary>Scripts.</summary>
[NotServedYet("Scripts can't be kept yet. Keep them in the image.")]
internal sealed class ScriptsService : ScriptService.ScriptServiceBase;

/// <summary>Script versions.</summary>
[NotServedYet("Script versions can't be kept yet. Keep them in the image.")]
internal sealed class ScriptVersionsService : ScriptVersionService.ScriptVersionServiceBase;
