using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class GalleryUpdateTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task An_update_changes_what_is_set_and_keeps_the_rest()
    {
        var gallery = await _here.CreateGalleryAsync(change: gallery =>
        {
            gallery.Description = "before";
            gallery.Tags["keep"] = "me";
        });

        var updated = (
            await _here.Galleries.UpdateGalleryAsync(
                new UpdateGalleryRequest
                {
                    Gallery = new V1.Gallery
                    {
                        Name = gallery.Name.ToLowerInvariant(),
                        Description = "after",
                        Location = "WEST us",
                    },
                }
            )
        ).Gallery;

        Assert.Equal("after", updated.Description);
        Assert.Equal("me", updated.Tags["keep"]);
        Assert.Equal(gallery.Name, updated.Name);
        Assert.NotEqual(gallery.Etag, updated.Etag);
        Assert.Equal(gallery.Uid, updated.Uid);
    }

    [Fact]
    public async Task A_mask_decides_what_changes_and_a_star_clears_what_is_not_set()
    {
        var gallery = await _here.CreateGalleryAsync(change: gallery =>
        {
            gallery.Description = "before";
            gallery.Tags["a"] = "b";
        });
        var masked = (
            await _here.Galleries.UpdateGalleryAsync(
                new UpdateGalleryRequest
                {
                    Gallery = new V1.Gallery { Name = gallery.Name, Description = "ignored" },
                    UpdateMask = new FieldMask { Paths = { "tags" } },
                }
            )
        ).Gallery;
        Assert.Equal("before", masked.Description);
        Assert.Empty(masked.Tags);

        var starred = (
            await _here.Galleries.UpdateGalleryAsync(
                new UpdateGalleryRequest
                {
                    Gallery = new V1.Gallery { Name = gallery.Name },
                    UpdateMask = new FieldMask { Paths = { "*" } },
                }
            )
        ).Gallery;
        Assert.Equal("", starred.Description);
        Assert.Equal("westus", starred.Location);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("tags.a")]
    [InlineData("soft_delete_policy.nonsense")]
    [InlineData("softDeletePolicy")]
    public async Task An_unknown_path_in_the_mask_is_refused(string path)
    {
        var gallery = await _here.CreateGalleryAsync();
        var refused = await Refused.WithAsync(
            () =>
                _here.Galleries.UpdateGalleryAsync(
                    new UpdateGalleryRequest
                    {
                        Gallery = new V1.Gallery { Name = gallery.Name },
                        UpdateMask = new FieldMask { Paths = { path } },
                    }
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.NotEmpty(refused.Field("update_mask"));
    }

    [Fact]
    public async Task The_location_cannot_change()
    {
        var gallery = await _here.CreateGalleryAsync();
        var refused = await Refused.WithAsync(
            () =>
                _here.Galleries.UpdateGalleryAsync(
                    new UpdateGalleryRequest
                    {
                        Gallery = new V1.Gallery { Name = gallery.Name, Location = "East US" },
                    }
                ),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );
        Assert.Equal(
            ("gallery.location", "westus", "eastus"),
            (refused.Metadata["target"], refused.Metadata["current"], refused.Metadata["requested"])
        );
    }

    [Fact]
    public async Task An_old_etag_is_refused_and_a_current_one_accepted()
    {
        var gallery = await _here.CreateGalleryAsync();
        var update = new UpdateGalleryRequest
        {
            Gallery = new V1.Gallery
            {
                Name = gallery.Name,
                Description = "one",
                Etag = gallery.Etag,
            },
        };
        var updated = (await _here.Galleries.UpdateGalleryAsync(update)).Gallery;

        await Refused.WithAsync(() => _here.Galleries.UpdateGalleryAsync(update), StatusCode.Aborted, ErrorReason.EtagMismatch);
        await Refused.WithAsync(
            () => _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name, Etag = gallery.Etag }),
            StatusCode.Aborted,
            ErrorReason.EtagMismatch
        );
        await _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name, Etag = updated.Etag });
    }

    [Fact]
    public async Task Of_many_unconditional_updates_none_is_lost()
    {
        var gallery = await _here.CreateGalleryAsync();
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(number =>
                    number % 2 == 0
                        ? _here
                            .Galleries.UpdateGalleryAsync(
                                new UpdateGalleryRequest
                                {
                                    Gallery = new V1.Gallery { Name = gallery.Name, Tags = { ["t"] = "x" } },
                                }
                            )
                            .ResponseAsync
                        : _here
                            .Galleries.UpdateGalleryAsync(
                                new UpdateGalleryRequest
                                {
                                    Gallery = new V1.Gallery { Name = gallery.Name, Description = "y" },
                                }
                            )
                            .ResponseAsync
                )
        );
        var now = (await _here.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = gallery.Name })).Gallery;
        Assert.Equal(("x", "y"), (now.Tags["t"], now.Description));
        Assert.Equal(9, (await _here.EventsAsync()).Count);
    }
}
