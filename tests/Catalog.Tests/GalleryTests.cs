using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.TestKit;
using Grpc.Core;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class GalleryTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task A_gallery_is_created_with_what_was_asked_for_and_what_the_service_sets()
    {
        var request = _here.NewGallery(
            "Prod.West_1",
            gallery =>
            {
                gallery.Location = "West US";
                gallery.Description = "Images of production.";
                gallery.Tags["team"] = "platform";
                gallery.Identity = new ManagedIdentity { Type = ManagedIdentityType.SystemAssigned };
                gallery.Uid = "not mine to choose";
                gallery.ProvisioningState = ProvisioningState.Failed;
            }
        );

        var gallery = (await _here.Galleries.CreateGalleryAsync(request)).Gallery;

        Assert.Equal($"{_here.Group}/galleries/Prod.West_1", gallery.Name);
        Assert.Equal("westus", gallery.Location);
        Assert.Equal("Images of production.", gallery.Description);
        Assert.Equal("platform", gallery.Tags["team"]);
        Assert.Equal(ManagedIdentityType.SystemAssigned, gallery.Identity.Type);
        Assert.Equal($"{_here.Subscription}-PROD.WEST_1", gallery.UniqueName);
        Assert.Equal(ProvisioningState.Succeeded, gallery.ProvisioningState);
        Assert.True(Guid.TryParse(gallery.Uid, out _));
        Assert.NotEmpty(gallery.Etag);
        Assert.Equal(_here.Now, gallery.CreateTime.ToDateTimeOffset());
        Assert.Equal(
            gallery,
            (await _here.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = gallery.Name.ToUpperInvariant() })).Gallery
        );
        var told = Assert.Single(await _here.EventsAsync());
        Assert.Equal(
            (gallery.Name, gallery.Uid, ChangeType.Created),
            (told.GalleryChanged.Name, told.GalleryChanged.Uid, told.GalleryChanged.Change)
        );
        Assert.Equal("catalog", told.Source);
    }

    [Theory]
    [InlineData("my-gallery")]
    [InlineData("")]
    [InlineData(".prod")]
    [InlineData("prod.")]
    [InlineData("_prod")]
    [InlineData("pr od")]
    [InlineData("pröd")]
    [InlineData("a/b")]
    public async Task A_bad_name_is_refused_with_the_rule_and_leaves_nothing(string id)
    {
        var refused = await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(_here.NewGallery(id)),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Contains("no dash", refused.Field("gallery_id"), StringComparison.Ordinal);
        Assert.Empty(_here.Keys());
        Assert.Empty(await _here.EventsAsync());
    }

    [Fact]
    public async Task A_name_has_at_most_80_characters()
    {
        await _here.CreateGalleryAsync(new string('a', 80));
        await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(_here.NewGallery(new string('a', 81))),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task An_unknown_region_is_refused_and_the_offered_ones_are_listed()
    {
        var refused = await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(_here.NewGallery(change: gallery => gallery.Location = "atlantis")),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );

        Assert.Equal("westus, eastus, northeurope, brazilsouth", refused.Metadata["offered"]);
        Assert.Contains("westus", refused.Field("gallery.location"), StringComparison.Ordinal);
        Assert.Empty(_here.Keys());
    }

    [Fact]
    public async Task A_restricted_region_takes_an_approval()
    {
        await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(_here.NewGallery(change: gallery => gallery.Location = "Australia Central")),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );

        fixture.Regions.Approve(_here.Subscription);
        fixture.Host.Time.Advance(TimeSpan.FromSeconds(3)); // Regions are remembered for two seconds.

        Assert.Equal(
            "australiacentral",
            (await _here.CreateGalleryAsync(change: gallery => gallery.Location = "Australia Central")).Location
        );
    }

    [Fact]
    public async Task All_that_is_wrong_is_told_at_once()
    {
        var refused = await Refused.WithAsync(
            () =>
                _here.Galleries.CreateGalleryAsync(
                    _here.NewGallery(
                        "bad-name",
                        gallery =>
                        {
                            gallery.Location = "";
                            gallery.Description = new string('x', 4097);
                            gallery.Tags["a?"] = "";
                            gallery.Identity = new ManagedIdentity { Type = (ManagedIdentityType)77 };
                            gallery.SoftDeletePolicy = new SoftDeletePolicy { RetentionPeriodInDays = 91, GracePeriodInDays = -1 };
                            gallery.Name = "subscriptions/other";
                        }
                    )
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Equal(
            [
                "gallery.description",
                "gallery.identity.type",
                "gallery.location",
                "gallery.name",
                "gallery.soft_delete_policy.grace_period_in_days",
                "gallery.soft_delete_policy.retention_period_in_days",
                "gallery.tags",
                "gallery_id",
            ],
            refused.Fields.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_missing_body_is_refused()
    {
        var refused = await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(new CreateGalleryRequest { Parent = _here.Group, GalleryId = "prod" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains("gallery", refused.Fields);
    }

    [Theory]
    [InlineData("")]
    [InlineData("subscriptions/x/resourceGroups/rg1")]
    [InlineData("subscriptions/00000000-0000-0000-0000-00000000000a")]
    [InlineData("resourceGroups/rg1")]
    public async Task A_bad_parent_is_refused(string parent)
    {
        var request = _here.NewGallery();
        request.Parent = parent;
        var refused = await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.NotEmpty(refused.Field("parent"));
    }

    [Fact]
    public async Task Sharing_and_soft_delete_are_refused_clearly_as_long_as_they_are_not_built()
    {
        await Refused.WithAsync(
            () =>
                _here.Galleries.CreateGalleryAsync(
                    _here.NewGallery(change: gallery =>
                        gallery.SharingProfile = new SharingProfile { Permissions = SharingPermission.Groups }
                    )
                ),
            StatusCode.Unimplemented,
            ErrorReason.NotSupportedYet
        );
        await Refused.WithAsync(
            () =>
                _here.Galleries.CreateGalleryAsync(
                    _here.NewGallery(change: gallery => gallery.SoftDeletePolicy = new SoftDeletePolicy { IsSoftDeleteEnabled = true })
                ),
            StatusCode.Unimplemented,
            ErrorReason.NotSupportedYet
        );
        Assert.Empty(_here.Keys());

        var plain = await _here.CreateGalleryAsync(change: gallery =>
        {
            gallery.SharingProfile = new SharingProfile { Permissions = SharingPermission.Private };
            gallery.SoftDeletePolicy = new SoftDeletePolicy { RetentionPeriodInDays = 30 };
        });
        Assert.Equal(SharingPermission.Private, plain.SharingProfile.Permissions);
        Assert.Equal(30, plain.SoftDeletePolicy.RetentionPeriodInDays);
    }

    [Fact]
    public async Task A_name_is_unique_in_the_subscription_whatever_its_group_and_case()
    {
        var first = await _here.CreateGalleryAsync("prod");
        var request = _here.NewGallery("PROD");
        request.Parent = $"subscriptions/{_here.Subscription}/resourceGroups/other";

        var refused = await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(request),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );

        Assert.Contains(first.Name, refused.Message, StringComparison.Ordinal);
        await Refused.WithAsync(
            () => _here.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = $"{request.Parent}/galleries/prod" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task A_name_that_is_taken_in_another_location_says_so()
    {
        await _here.CreateGalleryAsync();
        var refused = await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(_here.NewGallery(change: gallery => gallery.Location = "eastus")),
            StatusCode.FailedPrecondition,
            ErrorReason.InvalidResourceLocation
        );
        Assert.Equal(("westus", "eastus"), (refused.Metadata["current"], refused.Metadata["requested"]));
    }

    [Fact]
    public async Task Galleries_are_listed_by_group_and_name_in_pages()
    {
        foreach (var (group, id) in new[] { ("rg2", "a"), ("rg1", "c"), ("rg1", "B"), ("rg10", "d") })
        {
            var request = _here.NewGallery($"{id}{group}");
            request.Parent = $"subscriptions/{_here.Subscription}/resourceGroups/{group}";
            await _here.Galleries.CreateGalleryAsync(request);
        }

        var all = await AllPagesAsync($"subscriptions/{_here.Subscription}", 3);
        Assert.Equal(["Brg1", "crg1", "drg10", "arg2"], all.Select(Id));
        Assert.Equal(["Brg1", "crg1"], (await AllPagesAsync(_here.Group.ToUpperInvariant(), 1)).Select(Id));
        Assert.Empty(await AllPagesAsync($"subscriptions/{_here.Subscription}/resourceGroups/none", 1));
    }

    [Fact]
    public async Task A_page_token_is_good_for_its_own_list_only()
    {
        await _here.CreateGalleryAsync("one");
        await _here.CreateGalleryAsync("two");
        var page = await _here.Galleries.ListGalleriesAsync(new ListGalleriesRequest { Parent = _here.Group, PageSize = 1 });
        foreach (var token in new[] { page.NextPageToken, "nonsense", new string('x', 5000) })
        {
            await Refused.WithAsync(
                () =>
                    _here.Galleries.ListGalleriesAsync(
                        new ListGalleriesRequest { Parent = $"subscriptions/{_here.Subscription}", PageToken = token }
                    ),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        await Refused.WithAsync(
            () => _here.Galleries.ListGalleriesAsync(new ListGalleriesRequest { Parent = _here.Group, PageSize = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task A_deleted_gallery_is_gone_with_all_its_keys_and_its_name_is_free()
    {
        var gallery = await _here.CreateGalleryAsync();
        await _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name });

        await Refused.WithAsync(
            () => _here.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = gallery.Name }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name, AllowMissing = true });
        Assert.DoesNotContain(_here.Keys(), key => !key.Contains(":usage:", StringComparison.Ordinal));
        Assert.Equal(0, await _here.UsageAsync(UsageMetric.Galleries));
        Assert.NotEqual(gallery.Uid, (await _here.CreateGalleryAsync(change: other => other.Location = "eastus")).Uid);
    }

    [Fact]
    public async Task A_gallery_with_definitions_names_them_and_is_free_to_go_as_soon_as_they_are_gone()
    {
        var definition = await _here.CreateDefinitionAsync();
        var name = definition.Name[..definition.Name.IndexOf("/images", StringComparison.Ordinal)];
        var refused = await Refused.WithAsync(
            () => _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = name }),
            StatusCode.FailedPrecondition,
            ErrorReason.CannotDeleteResource
        );
        Assert.Equal(definition.Name, Assert.Single(refused.Detail<Google.Rpc.PreconditionFailure>().Violations).Subject);

        await _here.Definitions.DeleteImageDefinitionAsync(new DeleteImageDefinitionRequest { Name = definition.Name });
        await _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = name });
    }

    [Fact]
    public async Task A_repeated_request_id_gets_the_first_answer_and_changes_nothing()
    {
        var request = _here.NewGallery();
        request.RequestId = Guid.NewGuid().ToString();
        var first = await _here.Galleries.CreateGalleryAsync(request);
        var second = await _here.Galleries.CreateGalleryAsync(request);
        Assert.Equal(first, second);
        Assert.Single(await _here.EventsAsync());
        Assert.Single(await _here.ActivityAsync());

        // The answer stands even when the gallery is gone.
        await _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = first.Gallery.Name });
        Assert.Equal(first, await _here.Galleries.CreateGalleryAsync(request));

        request.Gallery.Description = "another";
        await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(request),
            StatusCode.FailedPrecondition,
            ErrorReason.RequestIdReused
        );
        request.RequestId = new string('x', 65);
        await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task Of_many_creators_of_a_name_exactly_one_wins()
    {
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(async number =>
                {
                    try
                    {
                        var request = _here.NewGallery(number % 2 == 0 ? "same" : "SAME");
                        request.Parent = $"subscriptions/{_here.Subscription}/resourceGroups/rg{number % 3}";
                        return (await _here.Galleries.CreateGalleryAsync(request)).Gallery.Name;
                    }
                    catch (RpcException error) when (error.StatusCode == StatusCode.AlreadyExists)
                    {
                        return "";
                    }
                })
        );
        var winner = Assert.Single(outcomes, name => name.Length > 0);
        Assert.Equal(winner, Assert.Single(await AllPagesAsync($"subscriptions/{_here.Subscription}", 10)).Name);
        Assert.Equal(1, await _here.UsageAsync(UsageMetric.Galleries));
    }

    [Fact]
    public async Task Validate_only_answers_and_leaves_nothing()
    {
        var request = _here.NewGallery();
        request.ValidateOnly = true;
        request.RequestId = "validate-1";
        Assert.Equal("westus", (await _here.Galleries.CreateGalleryAsync(request)).Gallery.Location);
        Assert.Empty(fixture.Redis.Server.Keys(pattern: $"cat:*{_here.Subscription}*"));

        var gallery = await _here.CreateGalleryAsync();
        await Refused.WithAsync(
            () => _here.Galleries.CreateGalleryAsync(request),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
        await _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name, ValidateOnly = true });
        await _here.Galleries.UpdateGalleryAsync(
            new UpdateGalleryRequest
            {
                Gallery = new V1.Gallery { Name = gallery.Name, Description = "x" },
                ValidateOnly = true,
            }
        );
        Assert.Equal(gallery, (await _here.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = gallery.Name })).Gallery);
        Assert.Single(await _here.ActivityAsync());
    }

    private static string Id(V1.Gallery gallery) => gallery.Name[(gallery.Name.LastIndexOf('/') + 1)..];

    private async Task<List<V1.Gallery>> AllPagesAsync(string parent, int size)
    {
        List<V1.Gallery> all = [];
        var token = "";
        do
        {
            var page = await _here.Galleries.ListGalleriesAsync(
                new ListGalleriesRequest
                {
                    Parent = parent,
                    PageSize = size,
                    PageToken = token,
                }
            );
            Assert.InRange(page.Galleries.Count, 0, size);
            all.AddRange(page.Galleries);
            token = page.NextPageToken;
        } while (token.Length > 0);
        return all;
    }
}
