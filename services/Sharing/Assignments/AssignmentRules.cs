using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.Sharing.Access;
using Gallery.Sharing.Roles;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Sharing.Assignments;

/// <summary>What a role assignment must be like. Pure.</summary>
internal static class AssignmentRules
{
    private const int LongestDescription = 1024;

    private static readonly ResourceKind[] AnyKind = System.Enum.GetValues<ResourceKind>();

    /// <summary>Reads an assignment as a caller or the configuration gives it; notes what is wrong, and answers null then.</summary>
    /// <param name="given">The assignment.</param>
    /// <param name="id">Its id, a UUID; empty chooses one.</param>
    /// <param name="subscription">The subscription that it must belong to.</param>
    /// <param name="violations">Gets what is wrong.</param>
    public static Draft? Read(RoleAssignment given, string id, ResourceName subscription, Violations violations)
    {
        var before = violations.Found.Count;
        if (!ResourceName.TryParse(given.Scope, out var scope))
        {
            violations.Add("role_assignment.scope", ResourceName.Describe(AnyKind));
        }
        else
        {
            violations.AddIf(
                scope.SubscriptionId != subscription.SubscriptionId,
                "role_assignment.scope",
                $"Must lie within the parent '{subscription}'."
            );
        }

        if (given.RoleDefinition.Length == 0)
        {
            violations.Add(
                "role_assignment.role_definition",
                "Is required: 'roleDefinitions/{id}' or the id; ListRoleDefinitions shows them."
            );
        }

        violations
            .AddIf(
                !IsUuid(given.PrincipalId),
                "role_assignment.principal_id",
                "Is required: the object id of a principal or group, a UUID."
            )
            .AddIf(
                given.PrincipalTenantId.Length > 0 && !IsUuid(given.PrincipalTenantId),
                "role_assignment.principal_tenant_id",
                "Must be a UUID; leave it empty for the subscription's tenant."
            )
            .AddIf(
                given.PrincipalType is not (PrincipalType.User or PrincipalType.Group or PrincipalType.ServicePrincipal),
                "role_assignment.principal_type",
                "Is required: PRINCIPAL_TYPE_USER, PRINCIPAL_TYPE_GROUP or PRINCIPAL_TYPE_SERVICE_PRINCIPAL."
            )
            .AddIf(
                given.Description.Length > LongestDescription,
                "role_assignment.description",
                string.Create(CultureInfo.InvariantCulture, $"Must have at most {LongestDescription} characters.")
            )
            .AddIf(id.Length > 0 && !IsUuid(id), "role_assignment_id", "Must be a UUID; leave it empty to let the service choose one.");
        return violations.Found.Count == before
            ? new Draft(given, id.Length == 0 ? Guid.NewGuid() : Guid.ParseExact(id, "D"), scope!)
            : null;
    }

    private static bool IsUuid(string text) => Guid.TryParseExact(text, "D", out _);

    /// <summary>An assignment that is well-formed, but for the role and the tenant that it has yet to be given.</summary>
    /// <param name="Given">As the caller gave it.</param>
    /// <param name="Id">Its id.</param>
    /// <param name="Scope">Its scope.</param>
    internal sealed record Draft(RoleAssignment Given, Guid Id, ResourceName Scope)
    {
        /// <summary>The assignment to store.</summary>
        /// <param name="role">The role named.</param>
        /// <param name="subscriptionTenantId">The tenant of the subscription: the principal's, unless the caller named another.</param>
        /// <param name="createdBy">Who asked for it.</param>
        /// <param name="now">When.</param>
        /// <param name="etag">Its etag.</param>
        public Assignment Complete(Role role, string subscriptionTenantId, string createdBy, DateTimeOffset now, string etag)
        {
            var tenantId = (Given.PrincipalTenantId.Length == 0 ? subscriptionTenantId : Given.PrincipalTenantId).ToLowerInvariant();
            var holder = new Holder(tenantId, Given.PrincipalId.ToLowerInvariant());
            var id = Id.ToString("D");
            var record = new RoleAssignment
            {
                Name = AssignmentName.Of(Scope.SubscriptionId, id),
                Scope = Scope.Value,
                RoleDefinition = role.Name,
                PrincipalId = holder.ObjectId,
                PrincipalTenantId = holder.TenantId,
                PrincipalType = Given.PrincipalType,
                Description = Given.Description,
                Uid = id,
                Etag = etag,
                CreateTime = now.ToTimestamp(),
                CreatedBy = createdBy,
            };
            return new Assignment(record, new Grant(holder, role, Scope));
        }
    }
}
