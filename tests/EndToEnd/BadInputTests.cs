namespace Gallery.EndToEnd;

/// <summary>Mistakes that people make: each is refused with the reason and what to change, and leaves nothing behind.</summary>
[Collection("house")]
public sealed class BadInputTests(PublishedHouse house)
{
    [Fact]
    public Task An_unknown_region() =>
        RefusedAsync(
            PublishedHouse.PublishCommand(house.Disk, "9.0.0", "westus=1", "atlantis=1"),
            "LocationNotAvailableForResourceType",
            "eastus"
        );

    [Fact]
    public Task A_version_that_is_not_three_numbers() =>
        RefusedAsync(PublishedHouse.PublishCommand(house.Disk, "1.0", "westus=1"), "'1.0' is not a version", "1.0.0");

    [Fact]
    public Task A_gallery_name_with_a_dash() =>
        RefusedAsync(["gallery", "create", "my-gallery", "--group", "rg1", "--location", "westus"], "InvalidParameter", "dash");

    [Fact]
    public async Task A_file_that_is_not_a_vhd()
    {
        var file = house.Scratch("not-a.vhd");
        await File.WriteAllBytesAsync(file, new byte[1024 * 1024]);
        await RefusedAsync(PublishedHouse.PublishCommand(file, "9.0.0", "westus=1", "--format=vhd"), "InvalidDiskFormat", "footer");
    }

    [Fact]
    public Task Zone_redundancy_where_there_is_one_zone() =>
        RefusedAsync(PublishedHouse.PublishCommand(house.Disk, "9.0.0", "westus=1:Standard_ZRS"), "StorageAccountTypeNotSupported", "zone");

    [Fact]
    public Task Someone_elses_subscription() =>
        RefusedAsync(
            [.. "gallery create other --group rg1 --location westus --subscription 00000000-0000-0000-0000-00000000000b".Split(' ')],
            "AuthorizationFailed",
            "Microsoft.Compute/galleries/write"
        );

    [Fact]
    public async Task No_token()
    {
        var before = await house.InventoryAsync();
        await house.Suite.SucceedAsync("logout");
        var refused = await house.Suite.RunAsync("gallery", "create", "other", "--group", "rg1", "--location", "westus");
        await house.Suite.SucceedAsync("login", "--as", "owner");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("login", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, await house.InventoryAsync());
    }

    private async Task RefusedAsync(string[] command, string reason, string hint)
    {
        var before = await house.InventoryAsync();
        await house.Suite.SucceedAsync("login", "--as", "owner");
        var refused = await house.Suite.RunAsync(command);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(reason, refused.Error, StringComparison.Ordinal);
        Assert.Contains(hint, refused.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, await house.InventoryAsync());
    }
}
