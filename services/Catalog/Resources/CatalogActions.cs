namespace Gallery.Catalog.Resources;

/// <summary>The actions that Catalog asks to be allowed (semantics 7.1).</summary>
internal static class CatalogActions
{
    public const string GalleryRead = "Microsoft.Compute/galleries/read";
    public const string GalleryWrite = "Microsoft.Compute/galleries/write";
    public const string GalleryDelete = "Microsoft.Compute/galleries/delete";
    public const string DefinitionRead = "Microsoft.Compute/galleries/images/read";
    public const string DefinitionWrite = "Microsoft.Compute/galleries/images/write";
    public const string DefinitionDelete = "Microsoft.Compute/galleries/images/delete";
    public const string VersionRead = "Microsoft.Compute/galleries/images/versions/read";
    public const string VersionWrite = "Microsoft.Compute/galleries/images/versions/write";
    public const string VersionDelete = "Microsoft.Compute/galleries/images/versions/delete";
    public const string SnapshotRead = "Microsoft.Compute/snapshots/read";
    public const string UsageRead = "Microsoft.Compute/locations/usages/read";
    public const string ActivityRead = "Microsoft.Insights/eventtypes/values/read";

    /// <summary>Services of the gallery that may read the desired state whatever their role assignments.</summary>
    public static readonly string[] ReadingServices = ["replication", "billing", "sharing"];
}
