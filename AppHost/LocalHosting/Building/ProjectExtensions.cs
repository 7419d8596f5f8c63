using System.Net.Sockets;
using Gallery.LocalHosting.Running;

namespace Gallery.LocalHosting;

/// <summary>How a project's own files are taken into account.</summary>
public class ProjectResourceOptions
{
    /// <summary>Launch profile to use; the first that starts the project if null.</summary>
    public string? LaunchProfileName { get; set; }

    /// <summary>Leaves launch profiles aside.</summary>
    public bool ExcludeLaunchProfile { get; set; }

    /// <summary>Leaves `Kestrel:Endpoints` of the project's appsettings.json aside.</summary>
    public bool ExcludeKestrelEndpoints { get; set; }
}

/// <summary>Adds services of this repository.</summary>
public static class ProjectExtensions
{
    /// <summary>Adds a project with its first launch profile.</summary>
    /// <typeparam name="TProject">Tells where the project file is.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() => builder.AddProject<TProject>(name, _ => { });

    /// <summary>Adds a project with the launch profile of that name, or with none.</summary>
    /// <typeparam name="TProject">Tells where the project file is.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="launchProfileName">The launch profile; none if null.</param>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder,
        string name,
        string? launchProfileName
    )
        where TProject : IProjectMetadata, new() =>
        builder.AddProject<TProject>(
            name,
            options =>
            {
                options.ExcludeLaunchProfile = launchProfileName is null;
                options.LaunchProfileName = launchProfileName;
            }
        );

    /// <summary>Adds a project.</summary>
    /// <typeparam name="TProject">Tells where the project file is.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="configure">Says how the project's own files are taken into account.</param>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder,
        string name,
        Action<ProjectResourceOptions> configure
    )
        where TProject : IProjectMetadata, new()
    {
        var options = new ProjectResourceOptions();
        configure(options);
        var metadata = new TProject();
        var project = builder.AddResource(new ProjectResource(name)).With(metadata);
        var kestrel = options.ExcludeKestrelEndpoints ? [] : ProjectFiles.KestrelEndpoints(metadata.ProjectPath);
        foreach (var endpoint in kestrel)
        {
            project.With(endpoint);
        }

        if (!options.ExcludeLaunchProfile && LaunchProfile.Find(metadata.ProjectPath, options.LaunchProfileName) is { } profile)
        {
            project.With(new LaunchProfileAnnotation(profile.Name));
            project.WithEnvironment(context =>
            {
                foreach (var (variable, value) in profile.EnvironmentVariables)
                {
                    context.EnvironmentVariables.TryAdd(variable, value);
                }
            });

            // Kestrel's own configuration would win in the process, so its URLs count here, too.
            foreach (var url in kestrel.Count == 0 ? profile.Urls : [])
            {
                project.With(new EndpointAnnotation(ProtocolType.Tcp, url.Scheme, port: url.Port));
            }
        }

        return project;
    }

    /// <summary>Asks for several instances. The local layer runs one and says so.</summary>
    /// <param name="builder">The project.</param>
    /// <param name="replicas">How many; at least 1.</param>
    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return builder.With(new ReplicaAnnotation(replicas));
    }

    /// <summary>Tells a resource that is no project where to send its telemetry.</summary>
    /// <param name="builder">The resource.</param>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment => builder.With(new OtlpExporterAnnotation());
}
