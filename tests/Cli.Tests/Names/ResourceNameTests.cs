using Gallery.Cli.Names;
using Gallery.Cli.Versions;

namespace Gallery.Cli.Tests.Names;

public sealed class ResourceNameTests
{
    private const string Full = "subscriptions/s1/resourceGroups/rg1/galleries/prod/images/ubuntu/versions/1.0.0";

    [Theory]
    [InlineData(Full, null, null, null, null)]
    [InlineData("/" + Full, null, null, null, null)]
    [InlineData(Full, "RG1", "Prod", "UBUNTU", "1.0.0")]
    [InlineData("rg1/prod/ubuntu/1.0.0", null, null, null, null)]
    [InlineData("prod/ubuntu/1.0.0", "rg1", null, null, null)]
    [InlineData("1.0.0", "rg1", "prod", "ubuntu", null)]
    [InlineData(null, "rg1", "prod", "ubuntu", "1.0.0")]
    [InlineData(null, null, null, null, "rg1/prod/ubuntu/1.0.0")]
    [InlineData(null, null, null, null, Full)]
    [InlineData(null, null, "rg1/prod", "ubuntu", "1.0.0")]
    [InlineData(null, null, null, "rg1/prod/ubuntu", "1.0.0")]
    [InlineData("1.0.0", null, null, "subscriptions/s1/resourceGroups/rg1/galleries/prod/images/ubuntu", null)]
    public void A_version_is_named_in_full_in_short_or_by_options(
        string? text,
        string? group,
        string? gallery,
        string? definition,
        string? version
    )
    {
        var name = ResourceName.Resolve(ResourceKind.Version, text, new NameParts(group, gallery, definition, version), () => "s1");
        Assert.Equal(Full, name.ToString(), ignoreCase: true);
        Assert.Equal("rg1/prod/ubuntu/1.0.0", name.Short, ignoreCase: true);
        Assert.Equal("subscriptions/s1/resourceGroups/rg1", name.Group.ToString(), ignoreCase: true);
    }

    [Theory]
    [InlineData(null, null, null, null, null, "version")]
    [InlineData("1.0.0", null, null, null, null, "--definition")]
    [InlineData("1.0.0", null, null, "ubuntu", null, "--gallery")]
    [InlineData("1.0.0", null, "prod", "ubuntu", null, "--group")]
    [InlineData("a/b/c/d/e", null, null, null, null, "not the name of a version")]
    [InlineData("a//b/1.0.0", null, null, null, null, "not the name of a version")]
    [InlineData("", "rg1", "prod", "ubuntu", null, "not the name of a version")]
    [InlineData("subscriptions/s1/resourceGroups/rg1/galleries/prod", null, null, null, null, "not the name of a version")]
    [InlineData(
        "subscriptions/s1/resourceGroups/rg1/galleries/prod/apps/a/versions/1",
        null,
        null,
        null,
        null,
        "not the name of a version"
    )]
    [InlineData(Full, "rg2", null, null, null, "--group")]
    [InlineData("rg1/prod/ubuntu/1.0.0", null, "test", null, null, "--gallery")]
    [InlineData("1.0.0", "rg1", "prod", "ubuntu", "1.0.1", "--version")]
    public void What_is_missing_or_said_twice_is_refused_and_named(
        string? text,
        string? group,
        string? gallery,
        string? definition,
        string? version,
        string expected
    )
    {
        var refused = Assert.Throws<CommandFailure>(() =>
            ResourceName.Resolve(ResourceKind.Version, text, new NameParts(group, gallery, definition, version), () => "s1")
        );
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_name_needs_no_default_subscription() =>
        Assert.Equal(
            "s1",
            ResourceName.Resolve(ResourceKind.Version, Full, new NameParts(), () => throw new InvalidOperationException()).Subscription
        );

    [Theory]
    [InlineData(Full, ResourceKind.Version)]
    [InlineData("Subscriptions/s/ResourceGroups/g", ResourceKind.Group)]
    [InlineData("subscriptions/s/resourceGroups/g/galleries/p", ResourceKind.Gallery)]
    public void Reads_what_services_send(string text, object kind) => Assert.Equal(kind, ResourceName.TryParse(text)!.Kind);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("subscriptions/s")]
    [InlineData("subscriptions/s/resourceGroups/g/snapshots/x")]
    [InlineData("subscriptions//resourceGroups/g")]
    [InlineData("subscriptions/s/resourceGroups/g/galleries/p/images/i/versions/v/replicas/r")]
    public void Leaves_other_names_alone(string? text) => Assert.Null(ResourceName.TryParse(text));

    [Theory]
    [InlineData("1.0.0", true)]
    [InlineData("0.0.0", true)]
    [InlineData("2147483647.2147483647.2147483647", true)]
    [InlineData("1.0", false)]
    [InlineData("1.0.0.0", false)]
    [InlineData("1.0.2147483648", false)]
    [InlineData("01.0.0", false)]
    [InlineData("1.0.-1", false)]
    [InlineData("1.0.+1", false)]
    [InlineData("1. 0.0", false)]
    [InlineData("1..0", false)]
    [InlineData("", false)]
    [InlineData("latest", false)]
    [InlineData("v1.0.0", false)]
    public void A_version_is_three_numbers(string text, bool valid) => Assert.Equal(valid, VersionNumber.IsValid(text));
}
