using Gallery.Catalog.Galleries;
using Gallery.Catalog.ImageDefinitions;
using Gallery.Catalog.ImageVersions;
using Gallery.Catalog.Updates;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Catalog.Tests.Rules;

public sealed class ShapeTests
{
    [Fact]
    public void Every_path_of_every_shape_leads_to_a_field()
    {
        Check(GalleryRules.Shape);
        Check(ImageDefinitionRules.Shape);
        Check(ImageVersionRules.Shape);

        static void Check<T>(ResourceShape<T> shape)
            where T : class, IMessage<T>, IDeepCloneable<T>, new() =>
            Assert.All(shape.Output.Concat(shape.Fixed), path => Assert.True(FieldPath.Exists(new T().Descriptor, path), path));
    }

    public static TheoryData<string[]?, string, bool, int> Masks() =>
        new()
        {
            // Mask, then what becomes of description ("old"), exclude flag (true) and replica count (3) when the request sends "new" and nothing else.
            { null, "new", true, 3 },
            { [], "new", true, 3 },
            { ["publishing_profile.exclude_from_latest"], "old", false, 3 },
            { ["publishing_profile"], "old", false, 0 },
            { ["tags", "publishing_profile.replica_count"], "new", true, 0 },
            { ["*"], "new", false, 0 },
            { ["provisioning_state"], "old", true, 3 },
        };

    [Theory]
    [MemberData(nameof(Masks))]
    public void A_mask_names_what_is_taken_over(string[]? mask, string tag, bool excluded, int count)
    {
        var current = new ImageVersion
        {
            Uid = "uid",
            Location = "westus",
            ProvisioningState = ProvisioningState.Succeeded,
            Tags = { ["t"] = "old" },
            PublishingProfile = new ImageVersionPublishingProfile
            {
                ExcludeFromLatest = true,
                ReplicaCount = 3,
                StorageAccountType = StorageAccountType.PremiumLrs,
                PublishedDate = new Timestamp { Seconds = 5 },
            },
        };
        var requested = new ImageVersion
        {
            Tags = { ["t"] = "new" },
            ProvisioningState = ProvisioningState.Failed,
            Uid = "forged",
        };

        var proposed = ImageVersionRules.Shape.Apply(current, requested, mask is null ? null : new FieldMask { Paths = { mask } });

        Assert.Equal(
            (tag, excluded, count),
            (proposed.Tags["t"], proposed.PublishingProfile.ExcludeFromLatest, proposed.PublishingProfile.ReplicaCount)
        );
        Assert.Equal(("uid", "westus", ProvisioningState.Succeeded), (proposed.Uid, proposed.Location, proposed.ProvisioningState));
        Assert.Equal(
            (StorageAccountType.PremiumLrs, 5L),
            (proposed.PublishingProfile.StorageAccountType, proposed.PublishingProfile.PublishedDate.Seconds)
        );
        Assert.Equal("old", current.Tags["t"]);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("tags.t")]
    [InlineData("publishing_profile.")]
    [InlineData("publishing_profile.target_regions.name")]
    [InlineData("create_time.seconds")]
    [InlineData("publishingProfile")]
    public void A_path_that_leads_nowhere_is_refused(string path)
    {
        var error = Assert.Throws<RpcException>(() =>
            ImageVersionRules.Shape.Apply(new ImageVersion(), new ImageVersion(), new FieldMask { Paths = { path } })
        );
        Assert.Equal(ErrorReason.InvalidParameter, GalleryError.ReasonOf(error));
    }

    [Fact]
    public void A_star_stands_alone() =>
        Assert.Throws<RpcException>(() =>
            ImageVersionRules.Shape.Apply(new ImageVersion(), new ImageVersion(), new FieldMask { Paths = { "*", "tags" } })
        );

    [Fact]
    public void Copying_makes_no_parts_that_neither_side_has()
    {
        var target = new ImageVersion();
        FieldPath.Copy(new ImageVersion(), target, "publishing_profile.published_date");
        Assert.Equal(new ImageVersion(), target);
        var source = new ImageVersion
        {
            PublishingProfile = new ImageVersionPublishingProfile { TargetRegions = { new TargetRegion { Name = "a" } } },
        };
        FieldPath.Copy(source, target, "publishing_profile.target_regions");
        Assert.Equal(source, target);
        source.PublishingProfile.TargetRegions[0].Name = "b";
        Assert.Equal("a", target.PublishingProfile.TargetRegions[0].Name);
    }
}
