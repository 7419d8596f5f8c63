using System.Globalization;
using System.Runtime.InteropServices;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Stores;

/// <summary>
/// Which store: the class of storage and the ordinal of the replicas that it keeps. Replicas of different ordinals share no bytes.
/// </summary>
/// <param name="Type">The class of storage; unspecified for the snapshots of the region, of which there is one store.</param>
/// <param name="Ordinal">0 to 99.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StoreName(StorageAccountType Type, int Ordinal)
{
    /// <summary>The highest ordinal.</summary>
    public const int MaxOrdinal = 99;

    /// <summary>The store of uploads and of the contents made from them.</summary>
    public static StoreName Snapshots => default;

    /// <summary>True for a store of replicas.</summary>
    public bool IsReplicaStore => Type != StorageAccountType.Unspecified;

    /// <summary>Reads the name of a folder; null when it is none of a store.</summary>
    public static StoreName? TryParse(string folder)
    {
        if (folder == "snapshots")
        {
            return Snapshots;
        }

        var parts = folder.Split('-');
        StorageAccountType? type = parts[0] switch
        {
            "lrs" => StorageAccountType.StandardLrs,
            "zrs" => StorageAccountType.StandardZrs,
            "premium" => StorageAccountType.PremiumLrs,
            _ => null,
        };
        return
            type is { } known
            && parts.Length == 2
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
            && new StoreName(known, ordinal) is var name
            && name.ToString() == folder
            ? name
            : null;
    }

    /// <summary>Numbers of the zones that keep it, from 1.</summary>
    public int[] ZonesOf(int zoneCount) =>
        Type switch
        {
            StorageAccountType.StandardZrs => [.. Enumerable.Range(1, zoneCount)],
            StorageAccountType.Unspecified => [1],
            _ => [1 + (Ordinal % zoneCount)],
        };

    /// <summary>The name of its folder in each of its zones.</summary>
    public override string ToString() =>
        Type switch
        {
            StorageAccountType.StandardLrs => $"lrs-{Ordinal:000}",
            StorageAccountType.StandardZrs => $"zrs-{Ordinal:000}",
            StorageAccountType.PremiumLrs => $"premium-{Ordinal:000}",
            _ => "snapshots",
        };
}
