using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Gallery.Region.Blocks;

namespace Gallery.Region.Serving;

/// <summary>
/// Checks blocks that are read again and again. SHA-256 takes longer than everything else that reading a block takes; so a block that had its
/// digest once is known by a 64-bit checksum from then on, which is eight times as fast and finds rot as surely as it ever occurs. The checksum
/// is seeded at random in each process, so that nobody can make bytes for it. What is not known, or differs, is checked by its digest.
/// </summary>
internal sealed class KnownBlocks
{
    // 4 MiB, made when the first block is read: the blocks of 16 GiB. Two blocks that meet in a slot push each other out.
    private const int Slots = 1 << 18;

    private readonly Lazy<Known[]> _known = new(() => new Known[Slots]);
    private readonly long _seed = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));

    /// <summary>True when the bytes are the block's.</summary>
    public bool Check(in BlockDigest digest, ReadOnlySpan<byte> bytes)
    {
        ref var slot = ref _known.Value[(int)(digest.Fingerprint % Slots)];
        var sum = XxHash3.HashToUInt64(bytes, _seed);
        // Another thread may write the slot meanwhile: a mixed pair fits nothing, and the digest decides.
        if (slot.Block == digest.SecondFingerprint && slot.Sum == sum)
        {
            return true;
        }

        if (BlockDigest.Of(bytes) != digest)
        {
            return false;
        }

        slot = new Known(digest.SecondFingerprint, sum);
        return true;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Known(ulong Block, ulong Sum);
}
