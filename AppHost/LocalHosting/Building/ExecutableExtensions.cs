namespace Gallery.LocalHosting;

/// <summary>Adds programs that are started as they are.</summary>
public static class ExecutableExtensions
{
    /// <summary>Adds a program.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="command">Name on the PATH, or path of the program.</param>
    /// <param name="workingDirectory">Folder to start it in; relative to the AppHost's.</param>
    /// <param name="args">Its arguments.</param>
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder,
        string name,
        string command,
        string workingDirectory,
        params string[]? args
    ) => builder.AddExecutable(name, command, workingDirectory, (object[]?)args);

    /// <inheritdoc cref="AddExecutable(IDistributedApplicationBuilder, string, string, string, string[])"/>
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder,
        string name,
        string command,
        string workingDirectory,
        params object[]? args
    ) =>
        builder
            .AddResource(new ExecutableResource(name, command, Path.GetFullPath(workingDirectory, builder.AppHostDirectory)))
            .WithArgs(args ?? []);

    /// <summary>Adds arguments.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="args">The arguments.</param>
    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithArgs => builder.With(new ArgumentsAnnotation(args));

    /// <summary>Adds arguments that may be known only at the start: parameters, endpoints, expressions.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="args">The arguments. A secret is refused: command lines can be read by everyone on the machine.</param>
    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params object[] args)
        where T : IResourceWithArgs =>
        builder.With(
            new ArgumentsAnnotation([
                .. args.Select(argument => argument is IResourceBuilder<IResource> { Resource: IValueProvider value } ? value : argument),
            ])
        );
}
