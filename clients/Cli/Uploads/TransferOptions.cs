namespace Gallery.Cli.Uploads;

/// <summary>How bytes are moved. The defaults are measured ones; tests choose smaller ones.</summary>
internal sealed record TransferOptions
{
    /// <summary>Size of a block in bytes; the contract fixes it.</summary>
    public const int BlockSize = 65_536;

    /// <summary>Blocks that are hashed, declared and sent as one piece of work: 16 MiB. One answer makes all of them durable.</summary>
    public int BatchBlocks { get; init; } = 256;

    /// <summary>Blocks in one message: 1 MiB.</summary>
    public int MessageBlocks { get; init; } = 16;

    /// <summary>Pieces of work under way at once. Their buffers are all the memory that a transfer takes.</summary>
    public int Parallelism { get; init; } = 8;

    /// <summary>Bytes of a disk that one call reads back.</summary>
    public long RangeBytes { get; init; } = 64L << 20;

    /// <summary>Attempts at a piece of work before a node that does not answer ends the transfer.</summary>
    public int Attempts { get; init; } = 8;

    /// <summary>Pause after the first failed attempt; it doubles with each, up to ten seconds.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The pause after an attempt, from 1.</summary>
    public TimeSpan PauseAfter(int attempt)
    {
        var longest = TimeSpan.FromSeconds(10);
        var pause = FirstPause * Math.Pow(2, attempt - 1);
        return pause < longest ? pause : longest;
    }
}
