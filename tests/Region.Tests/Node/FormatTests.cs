using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Tests.Formats;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

/// <summary>Disks come in as files of every format and go out as others; `qemu-img` says whether they are the same.</summary>
[Collection("nodes")]
public sealed class FormatTests(NodesFixture nodes) : IDisposable
{
    private readonly TempFolder _folder = new();

    private NodeClient West => nodes.West.Client;

    public static TheoryData<string, string, DiskFormat> Incoming =>
        new()
        {
            { "vpc", "-o subformat=fixed,force_size=on", DiskFormat.VhdFixed },
            { "vpc", "-o force_size=on", DiskFormat.VhdDynamic },
            { "vhdx", "-o block_size=1M", DiskFormat.Vhdx },
            { "qcow2", "", DiskFormat.Qcow2 },
            { "qcow2", "-c", DiskFormat.Qcow2 },
            { "qcow2", "-c -o compression_type=zstd,cluster_size=4k", DiskFormat.Qcow2 },
        };

    [Theory]
    [MemberData(nameof(Incoming))]
    public async Task A_disk_becomes_the_same_content_in_whatever_format_it_comes(string format, string options, DiskFormat expected)
    {
        foreach (var disk in new[] { "odd", "empty", "random", "packable" })
        {
            var raw = Path.Combine(_folder.Path, disk);
            QemuDisks.Write(disk, raw);
            await QemuImg.ConvertAsync(raw, $"{raw}.image", format, options);
            var (plain, image) = ($"plain-{Guid.NewGuid():N}", $"image-{Guid.NewGuid():N}");
            var content = await West.PublishAsync(plain, await File.ReadAllBytesAsync(raw), DiskFormat.Raw);
            await West.SendAsync(image, await File.ReadAllBytesAsync($"{raw}.image"));
            var committed = await West.Commits.CommitUploadAsync(new() { UploadId = image });
            Assert.Equal(content, committed.Upload.Content);
            Assert.Equal(expected, committed.DetectedFormat);
            Assert.Equal(content, await West.CommitAsync(image));
        }
    }

    [Theory]
    [InlineData("odd")]
    [InlineData("empty")]
    [InlineData("random")]
    [InlineData("sector")]
    [InlineData("packable")]
    public async Task A_disk_goes_out_in_every_format(string disk)
    {
        var (raw, replica) = await PublishAsync(disk);
        foreach (var (format, name, extension) in Served)
        {
            var path = $"{raw}.{extension}";
            var bytes = await West.ReadAsync(replica, format: format);
            await File.WriteAllBytesAsync(path, bytes);
            var described = await West.Contents.GetDiskAsync(
                new() { ReplicaId = replica, Format = format },
                NodeClient.Bearer(nodes.Grants.Read("westus", replica))
            );
            Assert.Equal((bytes.Length, format), (described.FileSizeBytes, described.Format));
            await RequireSameAsync(raw, path, name);
            if (format == DiskFormat.Qcow2)
            {
                await QemuImg.RunAsync($"check -f qcow2 {path}");
            }

            using var whole = await GetAsync(replica, $"os.{extension}", null);
            Assert.Equal(bytes, await whole.Content.ReadAsByteArrayAsync());
            Assert.Equal($"\"{described.Tag}\"", whole.Headers.ETag!.Tag);
            await RequireRangesAsync(replica, extension, format, bytes);
        }
    }

    [Fact]
    public async Task A_large_sparse_disk_goes_out_as_qcow2()
    {
        var raw = Path.Combine(_folder.Path, "far");
        QemuDisks.Write("far", raw);
        await QemuImg.ConvertAsync(raw, $"{raw}.qcow2", "qcow2");
        var upload = $"far-{Guid.NewGuid():N}";
        var content = await West.PublishAsync(upload, await File.ReadAllBytesAsync($"{raw}.qcow2"));
        var replica = $"far-{Guid.NewGuid():N}";
        await West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload)));
        await File.WriteAllBytesAsync($"{raw}.back", await West.ReadAsync(replica, format: DiskFormat.Qcow2));
        Assert.InRange(new FileInfo($"{raw}.back").Length, 1, 1 << 20);
        await QemuImg.RunAsync($"check -f qcow2 {raw}.back");
        await RequireSameAsync(raw, $"{raw}.back", "qcow2");
    }

    [Theory]
    [InlineData("raw", "raw")]
    [InlineData("vpc", "vhd")]
    [InlineData("qcow2", "qcow2")]
    public async Task Qemu_reads_a_replica_in_place(string name, string extension)
    {
        var (raw, replica) = await PublishAsync("odd");
        var token = Path.Combine(_folder.Path, "token");
        await File.WriteAllTextAsync(token, nodes.Grants.Read("westus", replica));
        var url = new Uri(nodes.West.Host.Http.BaseAddress!, $"/v1/replicas/{replica}/disks/os.{extension}");
        var source =
            $$$"""json:{"driver":"{{{name}}}","file":{"driver":"http","url":"{{{url}}}","username":"lease","password-secret":"lease"}}""";
        // One request at a time (-m 1): with several, the HTTP driver of qemu 7.2 now and then waits for an answer that it has got.
        await QemuImg.RunAsync("convert", "-m", "1", "--object", $"secret,id=lease,file={token}", "-O", "raw", source, $"{raw}.back");
        Assert.Equal(await File.ReadAllBytesAsync(raw), await File.ReadAllBytesAsync($"{raw}.back"));
    }

    [Fact]
    public async Task A_format_that_is_not_served_is_refused()
    {
        var (_, replica) = await PublishAsync("sector");
        foreach (var format in new[] { DiskFormat.Vhdx, DiskFormat.VhdDynamic, (DiskFormat)99 })
        {
            await Refused.WithAsync(
                () => West.ReadAsync(replica, format: format),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        foreach (var name in new[] { "os.vhdx", "os.", "os.qcow2.qcow2" })
        {
            using var response = await GetAsync(replica, name, null);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("another")]
    [InlineData("")]
    [InlineData("no base64 at all")]
    public async Task A_password_that_is_no_grant_opens_nothing(string password)
    {
        var (_, replica) = await PublishAsync("sector");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/replicas/{replica}/disks/os");
        request.Headers.TryAddWithoutValidation("authorization", password.Contains(' ') ? $"Basic {password}" : Basic(password));
        using var response = await nodes.West.Host.Http.SendAsync(request);
        Assert.Contains(response.StatusCode, new[] { HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden });
    }

    public void Dispose() => _folder.Dispose();

    private static (DiskFormat Format, string Name, string Extension)[] Served =>
        [(DiskFormat.Raw, "raw", "raw"), (DiskFormat.VhdFixed, "vpc", "vhd"), (DiskFormat.Qcow2, "qcow2", "qcow2")];

    /// <summary>Without a word on sizes that differ.</summary>
    private static async Task RequireSameAsync(string raw, string image, string format) =>
        Assert.Equal("Images are identical.", (await QemuImg.RunAsync($"compare -f raw -F {format} {raw} {image}")).Trim());

    private static string Basic(string password) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"lease:{password}"))}";

    private async Task RequireRangesAsync(string replica, string extension, DiskFormat format, byte[] bytes)
    {
        var random = new Random(bytes.Length);
        for (var i = 0; i < 20; i++)
        {
            var first = random.Next(bytes.Length);
            var length = random.Next(1, Math.Min(bytes.Length - first, 300_000) + 1);
            Assert.Equal(bytes[first..(first + length)], await West.ReadAsync(replica, first, length, format: format));
            using var response = await GetAsync(replica, $"os.{extension}", new RangeHeaderValue(first, first + length - 1));
            Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
            Assert.Equal(bytes[first..(first + length)], await response.Content.ReadAsByteArrayAsync());
        }
    }

    private async Task<(string Raw, string Replica)> PublishAsync(string disk)
    {
        var raw = Path.Combine(_folder.Path, disk);
        QemuDisks.Write(disk, raw);
        var id = $"formats-{Guid.NewGuid():N}";
        var content = await West.PublishAsync(id, await File.ReadAllBytesAsync(raw));
        await West.PullAsync(NodeClient.Order(id, content, West.FromUpload(id)));
        return (raw, id);
    }

    private async Task<HttpResponseMessage> GetAsync(string replica, string name, RangeHeaderValue? range)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/replicas/{replica}/disks/{name}");
        request.Headers.TryAddWithoutValidation("authorization", Basic(nodes.Grants.Read("westus", replica)));
        request.Headers.Range = range;
        return await nodes.West.Host.Http.SendAsync(request);
    }
}
