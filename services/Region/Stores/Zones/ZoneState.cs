namespace Gallery.Region.Stores.Zones;

/// <summary>How a zone of the region is.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Failure">Why it can't be used; empty when it can.</param>
/// <param name="UsedBytes">Bytes that the stores in it take up.</param>
/// <param name="AvailableBytes">Bytes that can still be written.</param>
internal sealed record ZoneState(int Number, string Failure, long UsedBytes, long AvailableBytes);
