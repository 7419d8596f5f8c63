using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Catalog.Updates;

/// <summary>Which fields of a resource the service sets, and which can't change. All others are the owner's to change.</summary>
/// <typeparam name="T">The resource's message.</typeparam>
/// <param name="Prefix">The field of the request that holds the resource: begins the paths in errors.</param>
/// <param name="Output">Paths of what the service sets: ignored in requests.</param>
/// <param name="Fixed">Paths of what can't change after creation.</param>
internal sealed record ResourceShape<T>(string Prefix, IReadOnlyList<string> Output, IReadOnlyList<string> Fixed)
    where T : class, IMessage<T>, IDeepCloneable<T>, new()
{
    private static readonly MessageDescriptor Type = new T().Descriptor;

    /// <summary>
    /// What the resource would be after an update, before it is checked. An empty mask takes over every field that is set in the request,
    /// <c>*</c> every field that can change; else the fields named.
    /// </summary>
    /// <param name="current">The resource as it is.</param>
    /// <param name="requested">The resource as sent.</param>
    /// <param name="mask">As sent.</param>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: the mask names no field.</exception>
    public T Apply(T current, T requested, FieldMask? mask)
    {
        var paths = Paths(requested, mask);
        var proposed = current.Clone();
        foreach (var path in paths)
        {
            FieldPath.Copy(requested, proposed, path);
        }

        foreach (var path in Output)
        {
            FieldPath.Copy(current, proposed, path);
        }

        // What can't change is compared only if the request says something of it: clearing it is not meant.
        foreach (var path in Fixed.Where(path => !FieldPath.IsSet(requested, path)))
        {
            FieldPath.Copy(current, proposed, path);
        }

        return proposed;
    }

    /// <summary>Refuses a change of what can't change. Both are in their canonical form.</summary>
    /// <param name="current">The resource as it is.</param>
    /// <param name="proposed">The resource as it would be.</param>
    /// <param name="except">Fixed paths that may change this time.</param>
    public void RequireUnchanged(T current, T proposed, params string[] except)
    {
        foreach (var path in Fixed.Except(except))
        {
            if (!FieldPath.AreEqual(current, proposed, path))
            {
                throw GalleryError.PropertyChangeNotAllowed(
                    $"{Prefix}.{path}",
                    FieldPath.Describe(current, path),
                    FieldPath.Describe(proposed, path)
                );
            }
        }
    }

    /// <summary>Clears what the service sets, as on a resource that is being created.</summary>
    /// <param name="requested">The resource as sent.</param>
    public T WithoutOutput(T requested)
    {
        var resource = requested.Clone();
        var nothing = new T();
        foreach (var path in Output)
        {
            FieldPath.Copy(nothing, resource, path);
        }

        return resource;
    }

    private static IReadOnlyList<string> Paths(T requested, FieldMask? mask)
    {
        if (mask is null || mask.Paths.Count == 0)
        {
            return [.. FieldPath.SetLeaves(requested)];
        }

        if (mask.Paths.Count == 1 && mask.Paths[0] == "*")
        {
            return [.. Type.Fields.InDeclarationOrder().Select(field => field.Name)];
        }

        return mask.Paths.FirstOrDefault(path => !FieldPath.Exists(Type, path)) is { } unknown
            ? throw GalleryError.InvalidParameter(
                "update_mask",
                $"'{unknown}' is no field that can be named: use paths of {Type.Name} in the names of the proto, or '*' alone; empty means every field that is set."
            )
            : [.. mask.Paths];
    }
}
