using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Sharing.Groups;

/// <summary>Groups of the gallery's own directory: part of the contract, not built yet.</summary>
internal sealed class GroupGrpcService : GroupService.GroupServiceBase
{
    public override Task<CreateGroupResponse> CreateGroup(CreateGroupRequest request, ServerCallContext context) => throw NotYet();

    public override Task<GetGroupResponse> GetGroup(GetGroupRequest request, ServerCallContext context) => throw NotYet();

    public override Task<ListGroupsResponse> ListGroups(ListGroupsRequest request, ServerCallContext context) => throw NotYet();

    public override Task<UpdateGroupResponse> UpdateGroup(UpdateGroupRequest request, ServerCallContext context) => throw NotYet();

    public override Task<DeleteGroupResponse> DeleteGroup(DeleteGroupRequest request, ServerCallContext context) => throw NotYet();

    public override Task<AddGroupMemberResponse> AddGroupMember(AddGroupMemberRequest request, ServerCallContext context) => throw NotYet();

    public override Task<RemoveGroupMemberResponse> RemoveGroupMember(RemoveGroupMemberRequest request, ServerCallContext context) =>
        throw NotYet();

    public override Task<ListGroupMembersResponse> ListGroupMembers(ListGroupMembersRequest request, ServerCallContext context) =>
        throw NotYet();

    private static RpcException NotYet() =>
        GalleryError.NotSupportedYet(
            "The gallery keeps no groups of its own yet. Let the issuer put group ids into the claim 'groups' and give roles to those ids."
        );
}
