using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Sharing.Communities;

/// <summary>Community galleries: part of the contract, not built yet.</summary>
internal sealed class CommunityGalleryGrpcService : CommunityGalleryService.CommunityGalleryServiceBase
{
    public override Task<ListCommunityGalleriesResponse> ListCommunityGalleries(
        ListCommunityGalleriesRequest request,
        ServerCallContext context
    ) => throw NotYet();

    public override Task<GetCommunityGalleryResponse> GetCommunityGallery(GetCommunityGalleryRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<ListCommunityImagesResponse> ListCommunityImages(ListCommunityImagesRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<GetCommunityImageResponse> GetCommunityImage(GetCommunityImageRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<ListCommunityImageVersionsResponse> ListCommunityImageVersions(
        ListCommunityImageVersionsRequest request,
        ServerCallContext context
    ) => throw NotYet();

    public override Task<GetCommunityImageVersionResponse> GetCommunityImageVersion(
        GetCommunityImageVersionRequest request,
        ServerCallContext context
    ) => throw NotYet();

    private static RpcException NotYet() =>
        GalleryError.NotSupportedYet(
            "Community galleries are not built yet. Give the role Compute Gallery Image Reader to those who shall see a gallery."
        );
}
