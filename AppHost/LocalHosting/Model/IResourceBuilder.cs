namespace Gallery.LocalHosting;

/// <summary>Says more about a resource.</summary>
/// <typeparam name="T">Kind of the resource.</typeparam>
public interface IResourceBuilder<out T>
    where T : IResource
{
    /// <summary>The application that the resource is part of.</summary>
    IDistributedApplicationBuilder ApplicationBuilder { get; }

    /// <summary>The resource.</summary>
    T Resource { get; }
}

/// <inheritdoc cref="IResourceBuilder{T}"/>
internal sealed record ResourceBuilder<T>(IDistributedApplicationBuilder ApplicationBuilder, T Resource) : IResourceBuilder<T>
    where T : IResource;

internal static class ResourceBuilderAnnotations
{
    /// <summary>Adds a statement and gives the builder back, so that calls chain.</summary>
    public static IResourceBuilder<T> With<T>(this IResourceBuilder<T> builder, IResourceAnnotation annotation)
        where T : IResource
    {
        builder.Resource.Annotations.Add(annotation);
        return builder;
    }
}
