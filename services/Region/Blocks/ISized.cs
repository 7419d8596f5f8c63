namespace Gallery.Region.Blocks;

/// <summary>Something that takes so many bytes.</summary>
internal interface ISized
{
    /// <summary>Bytes, 1 to 65,536.</summary>
    int Length { get; }
}

/// <summary>Several of them.</summary>
internal static class Sized
{
    /// <summary>Bytes of all together. The caller sees to it that they are few enough for one buffer.</summary>
    public static int LengthOf<T>(ReadOnlySpan<T> parts)
        where T : struct, ISized
    {
        var length = 0;
        foreach (ref readonly var part in parts)
        {
            length += part.Length;
        }

        return length;
    }
}
