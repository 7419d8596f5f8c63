using Gallery.Region.Stores.Records;

namespace Gallery.Region.Stores.Zones;

/// <summary>A zone of the region: what its parts of the stores lie on, and whether it can be used.</summary>
internal interface IZone
{
    /// <summary>The zone's number, from 1.</summary>
    int Number { get; }

    /// <summary>Why the zone can't be used, as of the last look; empty when it can.</summary>
    string Failure { get; }

    /// <summary>Looks whether the zone can be used.</summary>
    /// <returns>Why it can't; empty when it can.</returns>
    string Check();

    /// <summary>What it lies on: zones of the same name share the room of one disk.</summary>
    string Disk { get; }

    /// <summary>Bytes that can still be written, as far as the medium goes; 0 when the zone can't be used.</summary>
    long AvailableBytes();

    /// <summary>The stores that it has a part of.</summary>
    IReadOnlyList<StoreName> FindStores();

    /// <summary>Opens its part of a store, or makes it.</summary>
    IBlockStore OpenBlocks(StoreName name);

    /// <summary>The records of its part of a store.</summary>
    IRecordStore Records(StoreName name);
}
