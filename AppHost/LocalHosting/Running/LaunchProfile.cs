using System.Text.Json;

namespace Gallery.LocalHosting.Running;

/// <summary>One profile of a project's Properties/launchSettings.json.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Urls">What it lets the project listen on.</param>
/// <param name="EnvironmentVariables">Its variables.</param>
internal sealed record LaunchProfile(string Name, IReadOnlyList<Uri> Urls, IReadOnlyDictionary<string, string> EnvironmentVariables)
{
    /// <summary>Finds a profile by its name, or the first one that starts the project.</summary>
    public static LaunchProfile? Find(string projectPath, string? name)
    {
        var file = Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");
        using var settings = ProjectFiles.Read(file);
        if (settings is null || !settings.RootElement.TryGetProperty("profiles", out var profiles))
        {
            return name is null ? null : throw new LocalHostingException($"{file} has no launch profile '{name}'.");
        }

        foreach (var profile in profiles.EnumerateObject())
        {
            var startsProject = profile.Value.TryGetProperty("commandName", out var command) && command.GetString() == "Project";
            if (name is null ? startsProject : profile.Name == name)
            {
                return Parse(profile);
            }
        }

        return name is null ? null : throw new LocalHostingException($"{file} has no launch profile '{name}'.");
    }

    private static LaunchProfile Parse(JsonProperty profile)
    {
        var urls = profile.Value.TryGetProperty("applicationUrl", out var url) ? url.GetString() ?? "" : "";
        var variables = profile.Value.TryGetProperty("environmentVariables", out var list)
            ? list.EnumerateObject().ToDictionary(variable => variable.Name, variable => variable.Value.GetString() ?? "")
            : [];
        return new LaunchProfile(
            profile.Name,
            [.. urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(text => new Uri(text))],
            variables
        );
    }
}
