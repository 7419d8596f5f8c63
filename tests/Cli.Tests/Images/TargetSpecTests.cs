using Gallery.Cli.Images;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Tests.Images;

public sealed class TargetSpecTests
{
    [Theory]
    [InlineData("westus", "westus", 1, StorageAccountType.Unspecified)]
    [InlineData("westus=2", "westus", 2, StorageAccountType.Unspecified)]
    [InlineData("eastus=2:Standard_ZRS", "eastus", 2, StorageAccountType.StandardZrs)]
    [InlineData("eastus=100:standard_lrs", "eastus", 100, StorageAccountType.StandardLrs)]
    [InlineData("eastus:Premium_LRS", "eastus", 1, StorageAccountType.PremiumLrs)]
    [InlineData("East US=3", "eastus", 3, StorageAccountType.Unspecified)]
    [InlineData("BrazilSouth", "brazilsouth", 1, StorageAccountType.Unspecified)]
    public void Reads_a_region_a_count_and_a_storage_type(string text, string region, int count, StorageAccountType type) =>
        Assert.Equal(new TargetSpec(region, count, type), TargetSpec.Parse(text));

    [Theory]
    [InlineData("", "region")]
    [InlineData("=2", "region")]
    [InlineData("   ", "region")]
    [InlineData("westus=", "count")]
    [InlineData("westus=0", "count")]
    [InlineData("westus=101", "count")]
    [InlineData("westus=-1", "count")]
    [InlineData("westus=+1", "count")]
    [InlineData("westus=1.5", "count")]
    [InlineData("westus=99999999999", "count")]
    [InlineData("westus=two", "count")]
    [InlineData("westus=2:", "storage type")]
    [InlineData("westus=2:ZRS", "storage type")]
    [InlineData("westus=2:Standard_ZRS:x", "storage type")]
    public void Refuses_what_is_none_and_says_which_part(string text, string part)
    {
        var refused = Assert.Throws<CommandFailure>(() => TargetSpec.Parse(text));
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains(part, refused.Message, StringComparison.Ordinal);
        Assert.Contains(TargetSpec.Pattern, refused.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_region_that_is_named_twice_however_it_is_spelled()
    {
        var refused = Assert.Throws<CommandFailure>(() => TargetSpec.ParseAll(["eastus=1", "westus", "East US=2"]));
        Assert.Contains("eastus", refused.Message, StringComparison.Ordinal);
    }
}
