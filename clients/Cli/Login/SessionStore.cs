using System.Text.Json;

namespace Gallery.Cli.Login;

/// <summary>
/// The file that remembers who is signed in: <c>session.json</c> in the folder that <c>GALLERY_CONFIG</c> names, else in
/// <c>$XDG_CONFIG_HOME/gallery</c>, else in <c>~/.config/gallery</c>. Mode 0600, replaced in one step.
/// </summary>
internal sealed class SessionStore(Surroundings surroundings)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The file.</summary>
    public string Path { get; } = System.IO.Path.Combine(Folder(surroundings), "session.json");

    /// <summary>Who is signed in; null when nobody is.</summary>
    /// <exception cref="CommandFailure">The file is damaged.</exception>
    public Session? Read()
    {
        try
        {
            using var stream = File.OpenRead(Path);
            return JsonSerializer.Deserialize(stream, SessionJson.Default.Session);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException)
        {
            throw CommandFailure.NotSignedIn($"{Path} is damaged.");
        }
    }

    /// <summary>Remembers who is signed in.</summary>
    public void Write(Session session)
    {
        var folder = System.IO.Path.GetDirectoryName(Path)!;
        Directory.CreateDirectory(folder);
        var draft = $"{Path}.{Environment.ProcessId}.tmp";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerOnly;
            }

            using (var stream = new FileStream(draft, options))
            {
                JsonSerializer.Serialize(stream, session, SessionJson.Default.Session);
            }

            File.Move(draft, Path, overwrite: true);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>Forgets who is signed in. True when somebody was.</summary>
    public bool Delete()
    {
        if (!File.Exists(Path))
        {
            return false;
        }

        File.Delete(Path);
        return true;
    }

    private static string Folder(Surroundings surroundings)
    {
        if (surroundings.Setting("GALLERY_CONFIG") is { } chosen)
        {
            return chosen;
        }

        var config =
            surroundings.Setting("XDG_CONFIG_HOME")
            ?? System.IO.Path.Combine(
                surroundings.Setting("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
                ".config"
            );
        return System.IO.Path.Combine(config, "gallery");
    }
}
