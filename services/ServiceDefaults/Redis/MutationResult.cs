using Google.Protobuf;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>What became of a mutation that was carried out, now or before.</summary>
public sealed class MutationResult
{
    private readonly byte[]? _remembered;

    internal MutationResult(byte[]? remembered) => _remembered = remembered;

    /// <summary>Whether the request id was answered before: nothing was checked or written this time.</summary>
    public bool Replayed => _remembered is not null;

    /// <summary>The answer for the caller: the remembered one of a replay, else the one given.</summary>
    /// <typeparam name="T">The message that was passed to <see cref="RedisMutation.Remember"/>.</typeparam>
    /// <param name="answer">The answer made this time.</param>
    public T Answer<T>(T answer)
        where T : class, IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(answer);
        return _remembered is null ? answer : (T)answer.Descriptor.Parser.ParseFrom(_remembered);
    }
}
