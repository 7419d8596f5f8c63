using System.ComponentModel.DataAnnotations;

namespace Gallery.Region.Stores.Objects;

/// <summary>What the stores of a node lie on.</summary>
internal enum StoreKind
{
    /// <summary>Folders of local disks.</summary>
    Disk,

    /// <summary>Containers of Azure Blob Storage.</summary>
    Azure,

    /// <summary>Buckets of S3.</summary>
    S3,
}

/// <summary>
/// Where the stores of a node lie when they lie on object storage, section `Region:Objects`. The secrets among them belong into the
/// environment or a secret file, not into appsettings.json.
/// </summary>
internal sealed class ObjectOptions
{
    /// <summary>One container or bucket a zone, in the order of the zones. They are made when they are not there.</summary>
    public IList<string> Containers { get; init; } = [];

    /// <summary>What all keys begin with, so that several nodes can share a container; may be empty.</summary>
    [RegularExpression("[A-Za-z0-9._/-]{0,200}")]
    public string Prefix { get; set; } = "";

    /// <summary>Azure: the connection string of the storage account. A secret.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>S3: the storage's address; empty for Amazon's own in <see cref="SigningRegion"/>.</summary>
    public string ServiceUrl { get; set; } = "";

    /// <summary>S3: the region that requests are signed for.</summary>
    public string SigningRegion { get; set; } = "us-east-1";

    /// <summary>S3: the id of the access key.</summary>
    public string AccessKey { get; set; } = "";

    /// <summary>S3: the access key itself. A secret.</summary>
    public string SecretKey { get; set; } = "";
}
