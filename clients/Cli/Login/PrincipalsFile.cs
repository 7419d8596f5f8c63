using System.Text.Json;
using System.Text.Json.Serialization;

namespace Gallery.Cli.Login;

/// <summary>One of the principals that the development issuer knows, as the started gallery writes them for its own machine.</summary>
internal sealed record DevelopmentPrincipal(
    string Name,
    string ClientId,
    string ClientSecret,
    string? TenantId = null,
    string? ObjectId = null,
    string? DisplayName = null
)
{
    /// <summary>Hides the secret, should anyone ever print it.</summary>
    public override string ToString() => Name;
}

/// <summary>The file <c>secrets/principals.json</c> in the gallery's data folder: what <c>login --as</c> chooses from.</summary>
internal static class PrincipalsFile
{
    /// <summary>Where the file is: in the folder that <c>GALLERY_DATA</c> names.</summary>
    /// <exception cref="CommandFailure">The variable is not set.</exception>
    public static string Locate(Surroundings surroundings) =>
        surroundings.Setting("GALLERY_DATA") is { } folder
            ? System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, "secrets", "principals.json"))
            : throw CommandFailure.Usage(
                "GALLERY_DATA is not set: the data folder of the gallery holds the development principals.",
                "Run './gallery', which sets it, or sign in with --client-id."
            );

    /// <summary>Finds a principal by its name.</summary>
    /// <exception cref="CommandFailure">There is no such file or no such principal.</exception>
    public static DevelopmentPrincipal Find(string path, string name)
    {
        var all = Read(path);
        return all.FirstOrDefault(principal => principal.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new CommandFailure(
                ExitCode.NotSignedIn,
                $"There is no principal '{name}'.",
                $"There are: {string.Join(", ", all.Select(principal => principal.Name))}."
            );
    }

    private static List<DevelopmentPrincipal> Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize(stream, PrincipalsJson.Default.ListDevelopmentPrincipal) ?? [];
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandFailure(
                ExitCode.NotSignedIn,
                $"There are no development principals at {path}.",
                "Start the gallery once ('./start'), or sign in with --client-id at the issuer that it uses.",
                missing
            );
        }
        catch (JsonException malformed)
        {
            throw CommandFailure.Failed($"{path} is not readable: {malformed.Message}", "Start the gallery again.", malformed);
        }
    }
}

/// <summary>Reads <see cref="DevelopmentPrincipal"/> without reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(List<DevelopmentPrincipal>))]
internal sealed partial class PrincipalsJson : JsonSerializerContext;
