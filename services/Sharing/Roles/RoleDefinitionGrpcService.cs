using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.Sharing.Roles;

/// <summary>Shows the built-in roles.</summary>
internal sealed class RoleDefinitionGrpcService : RoleDefinitionService.RoleDefinitionServiceBase
{
    public override Task<GetRoleDefinitionResponse> GetRoleDefinition(GetRoleDefinitionRequest request, ServerCallContext context)
    {
        const string Prefix = RoleCatalog.Collection + "/";
        if (
            !request.Name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            || !Guid.TryParseExact(request.Name[Prefix.Length..], "D", out _)
        )
        {
            throw GalleryError.InvalidParameter("name", $"Must be '{Prefix}{{id}}'; the id is a UUID.");
        }

        return RoleCatalog.TryFind(request.Name, out var role)
            ? Task.FromResult(new GetRoleDefinitionResponse { RoleDefinition = role.ToContract() })
            : throw GalleryError.NotFound("role definition", request.Name);
    }

    public override Task<ListRoleDefinitionsResponse> ListRoleDefinitions(ListRoleDefinitionsRequest request, ServerCallContext context)
    {
        var page = PageRequest.From(request.PageSize, request.PageToken, RoleCatalog.Collection);
        var rest = RoleCatalog.All.Where(role => string.CompareOrdinal(role.DisplayName, page.After) > 0).Take(page.Size + 1).ToArray();
        var response = new ListRoleDefinitionsResponse { RoleDefinitions = { rest.Take(page.Size).Select(role => role.ToContract()) } };
        if (rest.Length > page.Size)
        {
            response.NextPageToken = page.TokenAfter(rest[page.Size - 1].DisplayName);
        }

        return Task.FromResult(response);
    }
}
