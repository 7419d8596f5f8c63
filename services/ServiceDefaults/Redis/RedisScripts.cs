namespace Gallery.ServiceDefaults.Redis;

/// <summary>The Lua scripts of this assembly. The client loads each once and calls it by its digest afterwards.</summary>
internal static class RedisScripts
{
    public static string Mutation { get; } = Read("mutation.lua");

    public static string DeadLetter { get; } = Read("dead-letter.lua");

    public static string Redrive { get; } = Read("redrive.lua");

    public static string Trim { get; } = Read("trim.lua");

    public static string ForgetConsumers { get; } = Read("forget-consumers.lua");

    private static string Read(string name)
    {
        using var stream =
            typeof(RedisScripts).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The script {name} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
