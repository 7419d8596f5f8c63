using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Tests.Names;

public sealed class ResourceNameTests
{
    private const string Group = "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/RG-1";

    [Theory]
    [InlineData("subscriptions/00000000-0000-0000-0000-00000000000a", ResourceKind.Subscription, "00000000-0000-0000-0000-00000000000a")]
    [InlineData(Group, ResourceKind.ResourceGroup, "RG-1")]
    [InlineData(Group + "/galleries/Prod", ResourceKind.Gallery, "Prod")]
    [InlineData(Group + "/galleries/Prod/images/ubuntu", ResourceKind.Image, "ubuntu")]
    [InlineData(Group + "/galleries/Prod/images/ubuntu/versions/1.0.0", ResourceKind.ImageVersion, "1.0.0")]
    [InlineData(Group + "/galleries/Prod/applications/app", ResourceKind.Application, "app")]
    [InlineData(Group + "/galleries/Prod/applications/app/versions/1.0.0", ResourceKind.ApplicationVersion, "1.0.0")]
    [InlineData(Group + "/snapshots/s_1", ResourceKind.Snapshot, "s_1")]
    public void Every_kind_of_name_is_read(string text, ResourceKind kind, string id)
    {
        Assert.True(ResourceName.TryParse(text, out var name));
        Assert.Equal((kind, id, text, text.ToLowerInvariant()), (name.Kind, name.Id, name.Value, name.Key));
        Assert.Equal("00000000-0000-0000-0000-00000000000a", name.SubscriptionId);
        Assert.True(ResourceName.TryParse(text, kind, out _));
        Assert.False(ResourceName.TryParse(text, kind == ResourceKind.Image ? ResourceKind.Snapshot : ResourceKind.Image, out _));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("subscriptions")]
    [InlineData("subscriptions/")]
    [InlineData("subscriptions/x")]
    [InlineData("/subscriptions/00000000-0000-0000-0000-00000000000a")]
    [InlineData("subscriptions/00000000-0000-0000-0000-00000000000a/")]
    [InlineData("subscriptions/{00000000-0000-0000-0000-00000000000a}")]
    [InlineData("subscriptions/0000000000000000000000000000000a")]
    [InlineData("subscriptions/00000000-0000-0000-0000-00000000000a/galleries/g")]
    [InlineData(Group + "/galleries")]
    [InlineData(Group + "/galleries/")]
    [InlineData(Group + "/galleries//images/x")]
    [InlineData(Group + "/galleries/a b")]
    [InlineData(Group + "/galleries/ä")]
    [InlineData(Group + "/galleries/a\n")]
    [InlineData(Group + "/galleries/a:b")]
    [InlineData(Group + "/galleries/a{b}")]
    [InlineData(Group + "/images/x")]
    [InlineData(Group + "/galleries/g/versions/1.0.0")]
    [InlineData(Group + "/galleries/g/images/i/versions/1.0.0/replicas/x")]
    public void What_is_no_name_is_not_read(string? text)
    {
        Assert.False(ResourceName.TryParse(text, out _));
        var error = Assert.Throws<RpcException>(() => ResourceName.Require(text, "name", ResourceKind.Gallery, ResourceKind.Snapshot));
        Assert.Equal((StatusCode.InvalidArgument, ErrorReason.InvalidParameter), (error.StatusCode, GalleryError.ReasonOf(error)));
        Assert.Contains(
            "subscriptions/{subscription}/resourceGroups/{group}/galleries/{gallery}",
            error.Status.Detail,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Overlong_names_are_not_read()
    {
        Assert.True(ResourceName.TryParse($"{Group}/galleries/{new string('a', 128)}", out _));
        Assert.False(ResourceName.TryParse($"{Group}/galleries/{new string('a', 129)}", out _));
        Assert.False(ResourceName.TryParse(new string('a', 100_000), out _));
    }

    [Fact]
    public void Names_that_differ_in_case_only_are_equal_and_ids_are_kept_as_written()
    {
        var name = ResourceName.Require(
            "SUBSCRIPTIONS/00000000-0000-0000-0000-00000000000A/resourcegroups/Rg/GALLERIES/Prod",
            "name",
            ResourceKind.Gallery
        );
        var other = ResourceName.Require(
            "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rG/galleries/pROD",
            "name",
            ResourceKind.Gallery
        );

        Assert.Equal(name, other);
        Assert.Equal(name.GetHashCode(), other.GetHashCode());
        Assert.Equal("subscriptions/00000000-0000-0000-0000-00000000000A/resourceGroups/Rg/galleries/Prod", name.ToString());
        Assert.NotEqual(name, name.Parent);
    }

    [Fact]
    public void Names_know_what_is_above_and_below()
    {
        var gallery = ResourceName.Require(Group + "/galleries/Prod", "name", ResourceKind.Gallery);
        var version = gallery.Child(ResourceKind.Image, "ubuntu").Child(ResourceKind.ImageVersion, "1.0.0");

        Assert.Equal(Group + "/galleries/Prod/images/ubuntu/versions/1.0.0", version.Value);
        Assert.Equal(gallery, version.Ancestor(ResourceKind.Gallery));
        Assert.Null(version.Ancestor(ResourceKind.Application));
        Assert.True(version.IsAtOrBelow(gallery));
        Assert.False(gallery.IsAtOrBelow(version));
        Assert.Equal(("RG-1", "Prod"), (version.ResourceGroup, version.GalleryId));
        Assert.False(gallery.TryChild(ResourceKind.ImageVersion, "1.0.0", out _));
        Assert.False(gallery.TryChild(ResourceKind.Image, "a/b", out _));
        Assert.Throws<ArgumentException>(() => gallery.Child(ResourceKind.Image, ""));
    }

    [Property]
    public Property What_is_written_is_read_back() =>
        Prop.ForAll(
            Arb.From(Names),
            name =>
                ResourceName.TryParse(name.Value, name.Kind, out var read)
                && read.Value == name.Value
                && read.Equals(name)
                && ResourceName.TryParse(name.Value.ToUpperInvariant(), out var upper)
                && upper.Equals(name)
        );

    [Property]
    public bool Whatever_is_read_is_written_the_same(string text) =>
        !ResourceName.TryParse(text, out var name) || ResourceName.TryParse(name.Value, out _);

    private static Gen<string> Ids =>
        from length in Gen.Choose(1, 40)
        from characters in Gen.ArrayOf(Gen.Elements("ABCxyz019._-()".ToCharArray()), length)
        select new string(characters);

    private static Gen<ResourceName> Names =>
        from subscription in ArbMap.Default.GeneratorFor<Guid>()
        from ids in Gen.ArrayOf(Ids, 5)
        from kind in Gen.Elements(Enum.GetValues<ResourceKind>())
        select Build(subscription, ids, kind);

    private static ResourceName Build(Guid subscription, string[] ids, ResourceKind kind)
    {
        var group = ResourceName
            .Require($"subscriptions/{subscription}", "name", ResourceKind.Subscription)
            .Child(ResourceKind.ResourceGroup, ids[0]);
        var gallery = group.Child(ResourceKind.Gallery, ids[1]);
        return kind switch
        {
            ResourceKind.Subscription => group.Parent!,
            ResourceKind.ResourceGroup => group,
            ResourceKind.Gallery => gallery,
            ResourceKind.Image or ResourceKind.Application => gallery.Child(kind, ids[2]),
            ResourceKind.ImageVersion => gallery.Child(ResourceKind.Image, ids[2]).Child(kind, ids[3]),
            ResourceKind.ApplicationVersion => gallery.Child(ResourceKind.Application, ids[2]).Child(kind, ids[3]),
            _ => group.Child(ResourceKind.Snapshot, ids[4]),
        };
    }
}
