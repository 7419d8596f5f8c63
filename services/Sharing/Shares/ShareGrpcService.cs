using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Sharing.Shares;

/// <summary>Direct shares: part of the contract, not built yet.</summary>
internal sealed class ShareGrpcService : ShareService.ShareServiceBase
{
    public override Task<GetSharingProfileResponse> GetSharingProfile(GetSharingProfileRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<AddSharesResponse> AddShares(AddSharesRequest request, ServerCallContext context) => throw NotYet();

    public override Task<RemoveSharesResponse> RemoveShares(RemoveSharesRequest request, ServerCallContext context) => throw NotYet();

    public override Task<ResetSharingResponse> ResetSharing(ResetSharingRequest request, ServerCallContext context) => throw NotYet();

    public override Task<EnableCommunityResponse> EnableCommunity(EnableCommunityRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<ListShareInvitesResponse> ListShareInvites(ListShareInvitesRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<AcceptShareInviteResponse> AcceptShareInvite(AcceptShareInviteRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<RejectShareInviteResponse> RejectShareInvite(RejectShareInviteRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<ListSharedGalleriesResponse> ListSharedGalleries(ListSharedGalleriesRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<GetSharedGalleryResponse> GetSharedGallery(GetSharedGalleryRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<ListSharedImagesResponse> ListSharedImages(ListSharedImagesRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<GetSharedImageResponse> GetSharedImage(GetSharedImageRequest request, ServerCallContext context) => throw NotYet();

    public override Task<ListSharedImageVersionsResponse> ListSharedImageVersions(
        ListSharedImageVersionsRequest request,
        ServerCallContext context
    ) => throw NotYet();

    public override Task<GetSharedImageVersionResponse> GetSharedImageVersion(
        GetSharedImageVersionRequest request,
        ServerCallContext context
    ) => throw NotYet();

    private static RpcException NotYet() =>
        GalleryError.NotSupportedYet(
            "Direct shares are not built yet. Give roles to people, groups and service principals, also of other tenants, with CreateRoleAssignment."
        );
}
