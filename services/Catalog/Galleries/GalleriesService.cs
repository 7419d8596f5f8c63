using Gallery.Catalog.Activity;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.Catalog.Galleries;

/// <summary>Manages galleries.</summary>
internal sealed class GalleriesService(IAccessChecker access, Changes changes, GalleryStore store) : GalleryService.GalleryServiceBase
{
    public override Task<CreateGalleryResponse> CreateGallery(CreateGalleryRequest request, ServerCallContext context)
    {
        var group = ResourceName.Require(request.Parent, "parent", ResourceKind.ResourceGroup);
        // A name that is none can't be authorised: its group then stands for it, and the store refuses it.
        var name = group.TryChild(ResourceKind.Gallery, request.GalleryId, out var gallery) ? gallery : group;
        return changes.RunAsync<CreateGalleryResponse>(
            context,
            name,
            CatalogActions.GalleryWrite,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => store.CreateAsync(change, request)
        );
    }

    public override async Task<GetGalleryResponse> GetGallery(GetGalleryRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Gallery);
        await access.RequireAsync(context, CatalogActions.GalleryRead, name.Value, CatalogActions.ReadingServices);
        var found = await store.FindAsync(name, context.CancellationToken) ?? throw GalleryError.NotFound(name.Noun, name.Value);
        return new GetGalleryResponse { Gallery = found.Value };
    }

    public override async Task<ListGalleriesResponse> ListGalleries(ListGalleriesRequest request, ServerCallContext context)
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription, ResourceKind.ResourceGroup);
        await access.RequireAsync(context, CatalogActions.GalleryRead, parent.Value, CatalogActions.ReadingServices);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"galleries {parent.Key}");
        return await store.ListAsync(parent, page, context.CancellationToken);
    }

    public override Task<UpdateGalleryResponse> UpdateGallery(UpdateGalleryRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Gallery?.Name, "gallery.name", ResourceKind.Gallery);
        return changes.RunAsync<UpdateGalleryResponse>(
            context,
            name,
            CatalogActions.GalleryWrite,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => store.UpdateAsync(change, request)
        );
    }

    public override Task<DeleteGalleryResponse> DeleteGallery(DeleteGalleryRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Gallery);
        return changes.RunAsync<DeleteGalleryResponse>(
            context,
            name,
            CatalogActions.GalleryDelete,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => store.DeleteAsync(change, request)
        );
    }
}
