using System.Buffers.Binary;
using System.Numerics;

namespace Gallery.Region.Formats;

/// <summary>The checksum of VHDX structures: CRC-32C, in which the checksum's own four bytes count as zeros.</summary>
internal static class Crc32C
{
    /// <summary>True when a structure has the checksum that stands in it at offset 4, little-endian.</summary>
    public static bool IsSound(ReadOnlySpan<byte> structure) => BinaryPrimitives.ReadUInt32LittleEndian(structure[4..]) == Of(structure);

    /// <summary>The checksum of a structure.</summary>
    /// <param name="structure">A multiple of 8 bytes.</param>
    public static uint Of(ReadOnlySpan<byte> structure)
    {
        const int fieldBytes = sizeof(ulong);
        var crc = Step(uint.MaxValue, BinaryPrimitives.ReadUInt64LittleEndian(structure) & uint.MaxValue);
        for (var at = fieldBytes; at < structure.Length; at += fieldBytes)
        {
            crc = Step(crc, BinaryPrimitives.ReadUInt64LittleEndian(structure[at..]));
        }

        return ~crc;
    }

    private static uint Step(uint crc, ulong word) => BitOperations.Crc32C(crc, word);
}
