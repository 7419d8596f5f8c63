namespace Gallery.Cli.Progress;

/// <summary>How far an upload or a download is.</summary>
/// <param name="DoneBytes">Bytes that are dealt with: compared, sent or received.</param>
/// <param name="TotalBytes">Bytes to deal with.</param>
/// <param name="MovedBytes">Bytes that really crossed the network; the others were there already, or are zero.</param>
internal readonly record struct TransferProgress(long DoneBytes, long TotalBytes, long MovedBytes);
