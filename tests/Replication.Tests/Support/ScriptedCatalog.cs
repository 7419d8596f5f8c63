using System.Collections.Concurrent;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Replication.Tests.Support;

/// <summary>Stands for Catalog: knows the versions that a test puts there.</summary>
public sealed class ScriptedCatalog : ImageVersionService.ImageVersionServiceBase
{
    private readonly ConcurrentDictionary<string, ImageVersion> _versions = new(StringComparer.OrdinalIgnoreCase);
    private int _asked;

    /// <summary>How often a version was asked for.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>Set to false to hide all versions from the sweep.</summary>
    public bool Lists { get; set; } = true;

    public ImageVersion this[string name] => _versions[name].Clone();

    /// <summary>Puts a version there, as it is wanted.</summary>
    public void Put(ImageVersion version) => _versions[version.Name] = version.Clone();

    /// <summary>Changes a version, and counts its generation on.</summary>
    public ImageVersion Change(string name, Action<ImageVersion> change, bool nextGeneration = true)
    {
        var version = _versions[name].Clone();
        version.Generation += nextGeneration ? 1 : 0;
        change(version);
        Put(version);
        return version;
    }

    public void Forget(string name) => _versions.TryRemove(name, out _);

    public override Task<GetImageVersionResponse> GetImageVersion(GetImageVersionRequest request, ServerCallContext context)
    {
        Interlocked.Increment(ref _asked);
        return _versions.TryGetValue(request.Name, out var version)
            ? Task.FromResult(new GetImageVersionResponse { ImageVersion = version })
            : throw GalleryError.NotFound("image version", request.Name);
    }

    public override Task<ListVersionsForReconcileResponse> ListVersionsForReconcile(
        ListVersionsForReconcileRequest request,
        ServerCallContext context
    )
    {
        var response = new ListVersionsForReconcileResponse { PartitionCount = 2 };
        if (Lists && request.Partition == 0)
        {
            // In pages of one, so that paging is seen to work.
            var ordered = _versions.Values.OrderBy(version => version.Name, StringComparer.Ordinal).ToList();
            var index = request.PageToken.Length == 0 ? 0 : int.Parse(request.PageToken, System.Globalization.CultureInfo.InvariantCulture);
            response.ImageVersions.AddRange(ordered.Skip(index).Take(1));
            response.NextPageToken = index + 1 < ordered.Count ? $"{index + 1}" : "";
        }

        return Task.FromResult(response);
    }
}
