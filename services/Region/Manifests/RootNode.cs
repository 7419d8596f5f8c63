using System.Buffers.Binary;
using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>The root of a manifest. Its digest names the content.</summary>
/// <param name="VirtualSize">Bytes of the disk; a positive multiple of 512.</param>
/// <param name="OccupiedSize">Bytes of its blocks that are not all zero.</param>
/// <param name="Top">The node below; the default value when the disk has no block.</param>
internal sealed record RootNode(long VirtualSize, long OccupiedSize, BlockDigest Top)
{
    /// <summary>Bytes of a root.</summary>
    public const int Size = 64;

    /// <summary>Blocks of the disk, holes included.</summary>
    public long BlockCount => BlockLayout.CountOf(VirtualSize);

    /// <summary>Levels below; 0 for a disk without blocks.</summary>
    public int Height => Top.IsHole ? 0 : ManifestShape.HeightOf(BlockCount);

    /// <summary>Reads a root and checks everything that can be checked without its children.</summary>
    /// <exception cref="MalformedManifestException">It is not a root in its canonical encoding.</exception>
    public static RootNode Parse(ReadOnlySpan<byte> node)
    {
        NodeHeader.Check(node, ManifestShape.RootKind, "root");
        if (node.Length != Size)
        {
            throw new MalformedManifestException($"A manifest root has {Size} bytes, this one {node.Length}.");
        }

        var virtualSize = BinaryPrimitives.ReadInt64LittleEndian(node[16..]);
        var occupied = BinaryPrimitives.ReadInt64LittleEndian(node[24..]);
        if (virtualSize <= 0 || virtualSize % BlockLayout.SectorSize != 0 || virtualSize > ManifestShape.MaxVirtualSize)
        {
            throw new MalformedManifestException($"A manifest root names a disk of {virtualSize} bytes.");
        }

        var root = new RootNode(virtualSize, occupied, new BlockDigest(node[32..]));
        var canonical =
            occupied >= 0
            && occupied <= virtualSize
            && (occupied == 0) == root.Top.IsHole
            && node[5] == root.Height
            && node[6] == 0
            && node[7] == 0
            && BinaryPrimitives.ReadInt32LittleEndian(node[8..]) == BlockLayout.BlockSize
            && BinaryPrimitives.ReadInt32LittleEndian(node[12..]) == 0;
        return canonical ? root : throw new MalformedManifestException("A manifest root is not in its canonical encoding.");
    }

    /// <summary>The canonical encoding.</summary>
    public byte[] Encode()
    {
        var node = new byte[Size];
        NodeHeader.Write(node, ManifestShape.RootKind, Height);
        BinaryPrimitives.WriteInt32LittleEndian(node.AsSpan(8), BlockLayout.BlockSize);
        BinaryPrimitives.WriteInt64LittleEndian(node.AsSpan(16), VirtualSize);
        BinaryPrimitives.WriteInt64LittleEndian(node.AsSpan(24), OccupiedSize);
        Top.CopyTo(node.AsSpan(32));
        return node;
    }
}
