using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Importing;

/// <summary>Imports of files of the node's machine.</summary>
[Collection("imports")]
public sealed class FileImportTests(ImportsFixture fixture)
{
    [Fact]
    public async Task A_sparse_file_arrives_and_its_holes_are_not_read()
    {
        var path = fixture.Folder["sparse.raw"];
        var end = new byte[65_536];
        new Random(1).NextBytes(end);
        await using (var file = new FileStream(path, FileMode.Create))
        {
            file.SetLength(2L << 30);
            file.Position = (1L << 30) + 4096;
            await file.WriteAsync(end);
        }

        var import = await fixture.ImportAsync("sparse", new Uri(path).AbsoluteUri);
        Assert.Equal((ImportState.Arrived, 2L << 30), (import.State, import.DoneBytes));
        Assert.InRange(import.FetchedBytes, end.Length, 1 << 20);
        var content = await fixture.Client.CommitAsync("sparse");
        Assert.Equal((2L << 30, 2 * 65_536), (content.VirtualSizeBytes, content.OccupiedSizeBytes));
        await fixture.Client.PullAsync(NodeClient.Order("of-sparse", content, fixture.Client.FromUpload("sparse")));
        Assert.Equal(end, await fixture.Client.ReadAsync("of-sparse", (1L << 30) + 4096, end.Length));
    }

    [Fact]
    public async Task Nothing_outside_the_folder_is_read_whatever_leads_there()
    {
        using var outside = new TempFolder();
        var secret = outside["secret.raw"];
        await File.WriteAllBytesAsync(secret, TestDisk.Make(2, 2));
        File.CreateSymbolicLink(fixture.Folder["link.raw"], secret);
        Directory.CreateSymbolicLink(fixture.Folder["linked"], outside.Path);
        await RefusedAsync("outside", secret);
        await RefusedAsync("link", fixture.Folder["link.raw"]);
        await RefusedAsync("linked", fixture.Folder["linked/secret.raw"]);
        await RefusedAsync("dots", fixture.Folder[$"x/../../{Path.GetFileName(outside.Path)}/secret.raw"]);
        await RefusedAsync("beside", fixture.Folder.Path + "-beside/secret.raw");
    }

    [Fact]
    public async Task Links_within_the_folder_and_names_with_spaces_are_fine()
    {
        var disk = TestDisk.Make(3, 5);
        await File.WriteAllBytesAsync(fixture.Folder["a disk #1.raw"], disk);
        File.CreateSymbolicLink(fixture.Folder["inner.raw"], fixture.Folder["a disk #1.raw"]);
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("inner", new Uri(fixture.Folder["inner.raw"]).AbsoluteUri)).State);
        var named = $"file://{Uri.EscapeDataString(fixture.Folder["a disk #1.raw"]).Replace("%2F", "/", StringComparison.Ordinal)}";
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("named", named)).State);
        Assert.Equal(disk, await fixture.ReadBackAsync("named"));
    }

    [Fact]
    public async Task Folders_pipes_devices_and_missing_files_are_refused()
    {
        Directory.CreateDirectory(fixture.Folder["sub"]);
        await RefusedAsync("folder", fixture.Folder["sub"], ErrorReason.SourceNotUsable);
        await RefusedAsync("missing", fixture.Folder["missing.raw"], ErrorReason.SourceNotUsable);
        await RefusedAsync("device", "/dev/zero");
        File.CreateSymbolicLink(fixture.Folder["zero"], "/dev/zero");
        await RefusedAsync("linked-device", fixture.Folder["zero"], reason: null);
    }

    private async Task RefusedAsync(string id, string path, ErrorReason? reason = ErrorReason.InvalidParameter)
    {
        var import = await fixture.ImportAsync(id, "file://" + path);
        Assert.Equal(ImportState.Failed, import.State);
        Assert.Equal(reason ?? import.FailureReason, import.FailureReason);
    }
}
