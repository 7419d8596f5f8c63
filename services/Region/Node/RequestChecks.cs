using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Links;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using Google.Protobuf.Collections;
using V1 = Gallery.Contracts.Region.V1;

namespace Gallery.Region.Node;

/// <summary>What requests must look like, and the values that they are read into. Every refusal names its field.</summary>
internal static class RequestChecks
{
    private const int MaxIdLength = 200;
    private const int MaxDisks = 65;
    private const int MaxLun = 63;
    private const int MaxSources = 64;
    private const int MaxPeers = 100;
    private const string AddressForm = "http://host:port or https://host:port";

    /// <summary>An id of a replica or an upload: 1 to 200 characters of `[A-Za-z0-9._-]`.</summary>
    public static string RequireId(string id, string field) =>
        IsId(id) ? id : throw GalleryError.InvalidParameter(field, "1 to 200 characters of [A-Za-z0-9._-]");

    /// <summary>A content digest.</summary>
    public static BlockDigest RequireContent(string digest, string field) =>
        BlockDigest.TryParse(digest, out var parsed)
            ? parsed
            : throw GalleryError.InvalidParameter(field, "`sha256:` and 64 lower-case hexadecimal digits");

    /// <summary>A list of digests of 32 bytes each.</summary>
    public static BlockDigest[] RequireDigests(IReadOnlyList<ByteString> digests, string field, int most)
    {
        if (digests.Count > most)
        {
            throw GalleryError.InvalidParameter(field, $"at most {most} digests");
        }

        var parsed = new BlockDigest[digests.Count];
        for (var i = 0; i < parsed.Length; i++)
        {
            if (!BlockDigest.TryRead(digests[i].Span, out parsed[i]) || parsed[i].IsHole)
            {
                throw GalleryError.InvalidParameter($"{field}[{i}]", "a SHA-256 digest of 32 bytes");
            }
        }

        return parsed;
    }

    /// <summary>A disk's slot as the node writes it: `os`, `lun0`; the OS disk when it is not set.</summary>
    public static string? SlotName(DiskSlot? slot) =>
        slot switch
        {
            null or { SlotCase: DiskSlot.SlotOneofCase.None } => null,
            { SlotCase: DiskSlot.SlotOneofCase.OsDisk } => slot.OsDisk ? "os" : "",
            _ => slot.DataDiskLun is >= 0 and <= MaxLun ? $"lun{slot.DataDiskLun}" : "",
        };

    /// <summary>Other nodes to measure.</summary>
    public static List<Peer> RequirePeers(RepeatedField<V1.PeerNode> peers)
    {
        var violations = new Violations().AddIf(peers.Count > MaxPeers, "peers", $"at most {MaxPeers}");
        var read = new List<Peer>();
        for (var i = 0; i < Math.Min(peers.Count, MaxPeers); i++)
        {
            var sound = IsUrl(peers[i].GrpcUrl, out var address);
            violations.AddIf(!sound, $"peers[{i}].grpc_url", AddressForm);
            violations.AddIf(peers[i].Region.Length is 0 or > MaxIdLength, $"peers[{i}].region", "the region that the node is in");
            if (sound)
            {
                read.Add(new Peer(peers[i].Region, address!));
            }
        }

        violations.ThrowIfAny();
        return read;
    }

    /// <summary>A format that disks are given out in; RAW when it is not set.</summary>
    public static DiskFormat RequireServed(DiskFormat format) =>
        format switch
        {
            DiskFormat.Unspecified => DiskFormat.Raw,
            DiskFormat.Raw or DiskFormat.VhdFixed or DiskFormat.Qcow2 => format,
            _ => throw GalleryError.InvalidParameter("format", "RAW, VHD_FIXED or QCOW2"),
        };

    /// <summary>Reads the order of a replica.</summary>
    public static PullOrder RequireOrder(V1.PullReplicaRequest request)
    {
        var violations = new Violations();
        violations.AddIf(!IsId(request.ReplicaId), "replica_id", "1 to 200 characters of [A-Za-z0-9._-]");
        violations.AddIf(request.FencingToken < 0, "fencing_token", "0 or more");
        violations.AddIf(request.TransferredBytes < 0, "transferred_bytes", "0 or more");
        var store = ReadStore(request.Store, violations);
        var disks = ReadDisks(request.Disks, violations);
        var sources = ReadSources(request.Sources, request.Disks.Count, violations);
        violations.ThrowIfAny();
        return new PullOrder(request.ReplicaId, request.FencingToken, store, disks, sources)
        {
            TransferredBytes = request.TransferredBytes,
        };
    }

    private static bool IsId(string id) =>
        id.Length is > 0 and <= MaxIdLength && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static StoreName ReadStore(V1.ReplicaStore? store, Violations violations)
    {
        if (store is null)
        {
            violations.Add("store", "required");
            return default;
        }

        var known =
            store.StorageAccountType is StorageAccountType.StandardLrs or StorageAccountType.StandardZrs or StorageAccountType.PremiumLrs;
        violations.AddIf(!known, "store.storage_account_type", "STANDARD_LRS, STANDARD_ZRS or PREMIUM_LRS");
        violations.AddIf(store.Ordinal is < 0 or > StoreName.MaxOrdinal, "store.ordinal", "0 to 99");
        return new StoreName(store.StorageAccountType, store.Ordinal);
    }

    private static List<ReplicaDiskRecord> ReadDisks(RepeatedField<V1.ReplicaDisk> disks, Violations violations)
    {
        violations.AddIf(disks.Count is 0 or > MaxDisks, "disks", "1 to 65 disks");
        var read = new List<ReplicaDiskRecord>();
        var slots = new HashSet<string>();
        for (var i = 0; i < Math.Min(disks.Count, MaxDisks); i++)
        {
            var slot = SlotName(disks[i].Slot) ?? "";
            var content = disks[i].Content;
            violations.AddIf(slot.Length == 0, $"disks[{i}].slot", "os_disk = true, or data_disk_lun from 0 to 63");
            violations.AddIf(slot.Length > 0 && !slots.Add(slot), $"disks[{i}].slot", "a slot that no other disk has");
            var sound = BlockDigest.TryParse(content?.Digest, out _);
            violations.AddIf(!sound, $"disks[{i}].content.digest", "`sha256:` and 64 lower-case hexadecimal digits");
            violations.AddIf(
                content is { } c && (c.VirtualSizeBytes <= 0 || c.VirtualSizeBytes % BlockLayout.SectorSize != 0),
                $"disks[{i}].content.virtual_size_bytes",
                "a positive multiple of 512"
            );
            violations.AddIf(
                content is { } d && (d.OccupiedSizeBytes < 0 || d.OccupiedSizeBytes > d.VirtualSizeBytes),
                $"disks[{i}].content.occupied_size_bytes",
                "0 to the virtual size"
            );
            if (sound)
            {
                read.Add(new ReplicaDiskRecord(slot, content!.Digest, content.VirtualSizeBytes, content.OccupiedSizeBytes));
            }
        }

        return read;
    }

    private static List<SourceOrder> ReadSources(RepeatedField<V1.PullSource> sources, int disks, Violations violations)
    {
        violations.AddIf(sources.Count > MaxSources, "sources", $"at most {MaxSources}");
        var read = new List<SourceOrder>();
        for (var i = 0; i < Math.Min(sources.Count, MaxSources); i++)
        {
            var source = sources[i];
            switch (source.PlaceCase)
            {
                case V1.PullSource.PlaceOneofCase.LocalUploadId:
                    read.Add(new UploadSource(source.Region, source.LocalUploadId));
                    break;
                case V1.PullSource.PlaceOneofCase.LocalReplicaId:
                    read.Add(new ReplicaSource(source.Region, source.LocalReplicaId));
                    break;
                case V1.PullSource.PlaceOneofCase.Remote:
                    ReadRemote(source, i, disks, read, violations);
                    break;
                default:
                    violations.Add($"sources[{i}].place", "one of local_upload_id, local_replica_id, remote");
                    break;
            }
        }

        return read;
    }

    private static bool IsUrl(string url, out Uri? address) =>
        Uri.TryCreate(url, UriKind.Absolute, out address) && address.Scheme is "http" or "https";

    private static void ReadRemote(V1.PullSource source, int i, int disks, List<SourceOrder> read, Violations violations)
    {
        var sound = IsUrl(source.Remote.GrpcUrl, out var address);
        violations.AddIf(!sound, $"sources[{i}].remote.grpc_url", AddressForm);
        Uri? http = null;
        violations.AddIf(
            source.Remote.HttpUrl.Length > 0 && !IsUrl(source.Remote.HttpUrl, out http),
            $"sources[{i}].remote.http_url",
            $"{AddressForm}, or nothing"
        );
        violations.AddIf(source.Remote.Grants.Count != disks, $"sources[{i}].remote.grants", "one grant a disk");
        violations.AddIf(source.Remote.MaxBytesPerSecond < 0, $"sources[{i}].remote.max_bytes_per_second", "0 or more");
        violations.AddIf(source.Remote.LinkBytesPerSecond < 0, $"sources[{i}].remote.link_bytes_per_second", "0 or more");
        violations.AddIf(source.Region.Length == 0, $"sources[{i}].region", "the region that the node is in");
        if (sound)
        {
            read.Add(
                new NodeSource(source.Region, address!, http, [.. source.Remote.Grants])
                {
                    MaxBytesPerSecond = source.Remote.MaxBytesPerSecond,
                    LinkBytesPerSecond = source.Remote.LinkBytesPerSecond,
                }
            );
        }
    }
}
