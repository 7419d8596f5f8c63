namespace Gallery.TestKit;

/// <summary>Where the repository lies that the tests were built from.</summary>
public static class Repository
{
    /// <summary>Its top folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>The folder of a service.</summary>
    public static string Service(string name)
    {
        var folder = Path.Combine(Root, "services", name);
        // A test service lives in its test project.
        return Directory.Exists(folder) ? folder : Path.Combine(Root, "tests", name);
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
