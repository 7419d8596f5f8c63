namespace Gallery.Replication;

/// <summary>The Lua scripts beside the stores that use them. The client loads each once and calls it by its digest afterwards.</summary>
internal static class Scripts
{
    /// <summary>A script's text.</summary>
    public static string Read(string name)
    {
        using var stream =
            typeof(Scripts).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The script {name} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
