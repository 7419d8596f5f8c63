using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.Catalog.Resources;

/// <summary>Refusals of names that are taken, beyond the plain one.</summary>
internal static class NameTaken
{
    /// <summary>FAILED_PRECONDITION: the name is taken by a resource in another location (semantics 3.2).</summary>
    /// <param name="noun">What it is.</param>
    /// <param name="name">The resource that has the name.</param>
    /// <param name="current">Its location.</param>
    /// <param name="requested">The location that was asked for.</param>
    public static RpcException Elsewhere(string noun, string name, string current, string requested) =>
        GalleryError.Create(
            StatusCode.FailedPrecondition,
            ErrorReason.InvalidResourceLocation,
            $"The {noun} '{name}' exists already, in '{current}': a location can't change. Delete it first, or use another name.",
            new Dictionary<string, string> { ["current"] = current, ["requested"] = requested },
            new ResourceInfo { ResourceType = noun, ResourceName = name }
        );
}
