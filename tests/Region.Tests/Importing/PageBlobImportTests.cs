using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Stores.Objects;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Importing;

/// <summary>Imports from Azure Blob Storage by an address with a signature.</summary>
[Collection("object storage")]
public sealed class PageBlobImportTests(ObjectServers servers) : IAsyncLifetime
{
    private readonly ImportsFixture _fixture = new();

    public Task InitializeAsync() => _fixture.InitializeAsync();

    public Task DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Of_a_page_blob_only_the_pages_with_data_are_fetched()
    {
        const long size = 1L << 30;
        var container = await ContainerAsync();
        var blob = container.GetPageBlobClient("disk.vhd");
        await blob.CreateAsync(size);
        var data = new byte[1 << 20];
        new Random(1).NextBytes(data);
        foreach (var at in new[] { 0L, (7 << 20) + 512, size - data.Length })
        {
            await blob.UploadPagesAsync(new MemoryStream(data), at);
        }

        var import = await _fixture.ImportAsync("page-blob", Sign(blob));
        Assert.Equal((ImportState.Arrived, size), (import.State, import.DoneBytes));
        Assert.Equal(3 * data.Length, import.FetchedBytes);
        var content = await _fixture.Client.CommitAsync("page-blob");
        Assert.Equal(size, content.VirtualSizeBytes);
        await _fixture.Client.PullAsync(NodeClient.Order("r", content, _fixture.Client.FromUpload("page-blob")));
        Assert.Equal(data, await _fixture.Client.ReadAsync("r", (7 << 20) + 512, data.Length));
        Assert.Equal(data, await _fixture.Client.ReadAsync("r", size - data.Length, data.Length));
        Assert.Equal(new byte[4096], await _fixture.Client.ReadAsync("r", 512 << 20, 4096));
    }

    [Fact]
    public async Task A_page_blob_without_a_signature_is_refused_and_a_new_version_has_a_new_map()
    {
        var container = await ContainerAsync();
        var blob = container.GetPageBlobClient("changing.vhd");
        await blob.CreateAsync(64 << 20);
        await blob.UploadPagesAsync(new MemoryStream(TestBlocks.Bytes(1)), 0);
        var unsigned = await _fixture.ImportAsync("unsigned", blob.Uri.AbsoluteUri);
        Assert.Equal((ImportState.Failed, ErrorReason.SourceNotUsable), (unsigned.State, unsigned.FailureReason));

        Assert.Equal(ImportState.Arrived, (await _fixture.ImportAsync("before", Sign(blob))).State);
        await using var node = await TestNode.StartAsync(_fixture.Issuer, _fixture.Grants, "other", settings: _fixture.Settings);
        await blob.UploadPagesAsync(new MemoryStream(TestBlocks.Bytes(2)), 1 << 20);
        var again = await ImportsFixture.ImportAsync(node.Client, "after", Sign(blob));
        Assert.Equal((ImportState.Arrived, 2 * 65_536L), (again.State, again.FetchedBytes));
    }

    [Fact]
    public async Task A_block_blob_is_fetched_in_ranges()
    {
        var disk = TestDisk.Make(3, 100);
        var blob = (await ContainerAsync()).GetBlobClient("disk.raw");
        await blob.UploadAsync(new BinaryData(disk), overwrite: true);
        Assert.Equal(ImportState.Arrived, (await _fixture.ImportAsync("block-blob", Sign(blob))).State);
        Assert.Equal(disk, await _fixture.ReadBackAsync("block-blob"));
    }

    private static string Sign(BlobBaseClient blob) =>
        blob.GenerateSasUri(BlobSasPermissions.Read, DateTimeOffset.UtcNow.AddHours(1)).AbsoluteUri;

    private async Task<BlobContainerClient> ContainerAsync()
    {
        var container = new BlobContainerClient(servers.Azure.ConnectionString, "sources");
        await container.CreateIfNotExistsAsync();
        return container;
    }
}
