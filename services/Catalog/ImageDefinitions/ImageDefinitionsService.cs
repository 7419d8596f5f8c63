using Gallery.Catalog.Activity;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.Catalog.ImageDefinitions;

/// <summary>Manages image definitions.</summary>
internal sealed class ImageDefinitionsService(IAccessChecker access, Changes changes, ImageDefinitionStore store)
    : ImageDefinitionService.ImageDefinitionServiceBase
{
    public override Task<CreateImageDefinitionResponse> CreateImageDefinition(
        CreateImageDefinitionRequest request,
        ServerCallContext context
    )
    {
        var gallery = ResourceName.Require(request.Parent, "parent", ResourceKind.Gallery);
        // A name that is none can't be authorised: its gallery then stands for it, and the store refuses it.
        var name = gallery.TryChild(ResourceKind.Image, request.ImageDefinitionId, out var definition) ? definition : gallery;
        return changes.RunAsync<CreateImageDefinitionResponse>(
            context,
            name,
            CatalogActions.DefinitionWrite,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => store.CreateAsync(change, gallery, request)
        );
    }

    public override async Task<GetImageDefinitionResponse> GetImageDefinition(GetImageDefinitionRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Image);
        await access.RequireAsync(context, CatalogActions.DefinitionRead, name.Value, CatalogActions.ReadingServices);
        var found = await store.FindAsync(name, context.CancellationToken) ?? throw GalleryError.NotFound(name.Noun, name.Value);
        return new GetImageDefinitionResponse { ImageDefinition = found.Value };
    }

    public override async Task<ListImageDefinitionsResponse> ListImageDefinitions(
        ListImageDefinitionsRequest request,
        ServerCallContext context
    )
    {
        var gallery = ResourceName.Require(request.Parent, "parent", ResourceKind.Gallery);
        await access.RequireAsync(context, CatalogActions.DefinitionRead, gallery.Value, CatalogActions.ReadingServices);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"images {gallery.Key}");
        return await store.ListAsync(gallery, page, context.CancellationToken);
    }

    public override Task<UpdateImageDefinitionResponse> UpdateImageDefinition(
        UpdateImageDefinitionRequest request,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.ImageDefinition?.Name, "image_definition.name", ResourceKind.Image);
        return changes.RunAsync<UpdateImageDefinitionResponse>(
            context,
            name,
            CatalogActions.DefinitionWrite,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => store.UpdateAsync(change, request)
        );
    }

    public override Task<DeleteImageDefinitionResponse> DeleteImageDefinition(
        DeleteImageDefinitionRequest request,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Image);
        return changes.RunAsync<DeleteImageDefinitionResponse>(
            context,
            name,
            CatalogActions.DefinitionDelete,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => store.DeleteAsync(change, request)
        );
    }
}
