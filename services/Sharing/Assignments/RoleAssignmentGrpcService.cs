using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Gallery.Sharing.Roles;
using Gallery.Sharing.Subscriptions;
using Grpc.Core;

namespace Gallery.Sharing.Assignments;

/// <summary>Gives roles and takes them away.</summary>
internal sealed class RoleAssignmentGrpcService(
    AssignmentStore assignments,
    SubscriptionStore subscriptions,
    RedisStore store,
    IAccessChecker access,
    TimeProvider clock
) : RoleAssignmentService.RoleAssignmentServiceBase
{
    private const string Read = "Microsoft.Authorization/roleAssignments/read";
    private const string Write = "Microsoft.Authorization/roleAssignments/write";
    private const string Delete = "Microsoft.Authorization/roleAssignments/delete";

    public override async Task<CreateRoleAssignmentResponse> CreateRoleAssignment(
        CreateRoleAssignmentRequest request,
        ServerCallContext context
    )
    {
        var cancellationToken = context.CancellationToken;
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        var violations = new Violations();
        var draft = AssignmentRules.Read(request.RoleAssignment ?? new RoleAssignment(), request.RoleAssignmentId, parent, violations);
        violations.ThrowIfAny();
        var caller = await access.RequireAsync(context, Write, draft!.Scope.Value, cancellationToken);

        var memo = Memo(parent, request.RequestId, context, request);
        if (await store.FindAnswerAsync(memo, RoleAssignment.Parser, cancellationToken) is { } earlier)
        {
            return new CreateRoleAssignmentResponse { RoleAssignment = earlier };
        }

        if (!RoleCatalog.TryFind(draft.Given.RoleDefinition, out var role))
        {
            throw GalleryError.NotFound("role definition", draft.Given.RoleDefinition);
        }

        var subscription =
            await subscriptions.FindAsync(parent.SubscriptionId, cancellationToken)
            ?? throw GalleryError.NotFound("subscription", parent.Value);
        var assignment = draft.Complete(
            role,
            subscription.TenantId,
            $"{caller.Principal.TenantId}/{caller.Principal.ObjectId}",
            clock.GetUtcNow(),
            Etag.New()
        );
        var mutation = assignments.Create(assignment, request.ValidateOnly);
        var result = await store.ExecuteAsync(
            request.ValidateOnly ? mutation : mutation.Remember(memo, assignment.Record),
            cancellationToken
        );
        return new CreateRoleAssignmentResponse { RoleAssignment = result.Answer(assignment.Record) };
    }

    public override async Task<GetRoleAssignmentResponse> GetRoleAssignment(GetRoleAssignmentRequest request, ServerCallContext context)
    {
        var assignment = await FindAsync(AssignmentName.Require(request.Name, "name"), Read, context);
        return new GetRoleAssignmentResponse { RoleAssignment = assignment.Record };
    }

    public override async Task<ListRoleAssignmentsResponse> ListRoleAssignments(
        ListRoleAssignmentsRequest request,
        ServerCallContext context
    )
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        var scope = request.Scope.Length == 0 ? null : ResourceName.Require(request.Scope, "scope", Enum.GetValues<ResourceKind>());
        new Violations()
            .AddIf(scope is not null && !scope.IsAtOrBelow(parent), "scope", $"Must lie within the parent '{parent}'.")
            .AddIf(
                request.PrincipalId.Length > 0 && !Guid.TryParseExact(request.PrincipalId, "D", out _),
                "principal_id",
                "Must be a UUID; leave it empty for the assignments of all."
            )
            .ThrowIfAny();
        var page = PageRequest.From(request.PageSize, request.PageToken, ListingOf(request));
        await access.RequireAsync(context, Read, (scope ?? parent).Value, context.CancellationToken);

        var response = new ListRoleAssignmentsResponse();
        while (true)
        {
            var (found, next) = await assignments.ListAsync(parent.SubscriptionId, page, context.CancellationToken);
            response.RoleAssignments.AddRange(
                found
                    .Where(each => scope is null || scope.IsAtOrBelow(each.Grant.Scope))
                    .Where(each =>
                        request.PrincipalId.Length == 0
                        || each.Grant.Holder.ObjectId.Equals(request.PrincipalId, StringComparison.OrdinalIgnoreCase)
                    )
                    .Select(each => each.Record)
            );
            // Filtered out to nothing, a page says nothing: look on. A subscription has few thousand assignments at the most.
            if (next.Length == 0 || response.RoleAssignments.Count > 0)
            {
                response.NextPageToken = next;
                return response;
            }

            page = PageRequest.From(request.PageSize, next, ListingOf(request));
        }
    }

    public override async Task<DeleteRoleAssignmentResponse> DeleteRoleAssignment(
        DeleteRoleAssignmentRequest request,
        ServerCallContext context
    )
    {
        var name = AssignmentName.Require(request.Name, "name");
        var memo = Memo(name.Subscription, request.RequestId, context, request);
        if (await store.FindAnswerAsync(memo, DeleteRoleAssignmentResponse.Parser, context.CancellationToken) is { } earlier)
        {
            return earlier;
        }

        var assignment = await FindAsync(name, Delete, context);
        if (request.Etag.Length > 0 && request.Etag != assignment.Record.Etag)
        {
            throw GalleryError.EtagMismatch(name.Value);
        }

        var response = new DeleteRoleAssignmentResponse();
        var mutation = assignments.Delete(assignment, request.ValidateOnly);
        await store.ExecuteAsync(request.ValidateOnly ? mutation : mutation.Remember(memo, response), context.CancellationToken);
        return response;
    }

    private static string ListingOf(ListRoleAssignmentsRequest request) =>
        string.Join(
            '|',
            "roleAssignments",
            request.Parent.ToLowerInvariant(),
            request.Scope.ToLowerInvariant(),
            request.PrincipalId.ToLowerInvariant()
        );

    private RequestMemo? Memo(ResourceName subscription, string requestId, ServerCallContext context, Google.Protobuf.IMessage request) =>
        RequestMemo.For(store.PartitionOf(subscription.SubscriptionId), subscription.SubscriptionId, requestId, context.Method, request);

    private async Task<Assignment> FindAsync(AssignmentName name, string action, ServerCallContext context)
    {
        var assignment = await assignments.FindAsync(name, context.CancellationToken);
        // Whoever may not see the subscription's assignments does not learn which there are.
        await access.RequireAsync(context, action, assignment?.Record.Scope ?? name.Subscription.Value, context.CancellationToken);
        return assignment ?? throw GalleryError.NotFound("role assignment", name.Value);
    }
}
