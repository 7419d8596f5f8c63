using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.Sharing.Access;

/// <summary>Answers who may do what.</summary>
internal sealed class AccessGrpcService(AccessDecider decider) : AccessService.AccessServiceBase
{
    private const int MostQuestions = 100;
    private const int MostGroups = 1000;
    private const int LongestId = 256;

    // Not in any role: only the gallery's services ask about others.
    private const string AskAboutOthers = "Gallery.Sharing/access/check/action";

    private static readonly ResourceKind[] AnyKind = Enum.GetValues<ResourceKind>();

    public override async Task<CheckAccessResponse> CheckAccess(CheckAccessRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        var question = Read(request.Action, request.Resource, "", violations);
        var principal = WhoIsMeant(request.Principal, Caller.From(context), violations, request.Resource);
        violations.ThrowIfAny();
        return await decider.DecideAsync(principal, question, context.CancellationToken);
    }

    public override async Task<BatchCheckAccessResponse> BatchCheckAccess(BatchCheckAccessRequest request, ServerCallContext context)
    {
        var violations = new Violations();
        violations.AddIf(
            request.Questions.Count is 0 or > MostQuestions,
            "questions",
            string.Create(CultureInfo.InvariantCulture, $"Must hold 1 to {MostQuestions} questions; there are {request.Questions.Count}.")
        );
        var questions = request
            .Questions.Take(MostQuestions)
            .Select(
                (each, index) =>
                    Read(each.Action, each.Resource, string.Create(CultureInfo.InvariantCulture, $"questions[{index}]."), violations)
            )
            .ToArray();
        var principal = WhoIsMeant(
            request.Principal,
            Caller.From(context),
            violations,
            request.Questions.Count > 0 ? request.Questions[0].Resource : ""
        );
        violations.ThrowIfAny();
        return new BatchCheckAccessResponse { Decisions = { await decider.DecideAsync(principal, questions, context.CancellationToken) } };
    }

    private static Question Read(string action, string resource, string path, Violations violations)
    {
        if (!ActionName.TryParse(action, out var parsed))
        {
            violations.Add(path + "action", ActionName.Accepted);
        }

        if (!ResourceName.TryParse(resource, out var name))
        {
            violations.Add(path + "resource", ResourceName.Describe(AnyKind));
        }

        return new Question(parsed!, name!); // Not looked at when something is wrong.
    }

    private static Principal WhoIsMeant(Principal? named, Caller caller, Violations violations, string resource)
    {
        if (named is null)
        {
            return caller.Principal;
        }

        violations
            .AddIf(named.TenantId.Length is 0 or > LongestId, "principal.tenant_id", "Must be the id of a tenant, a UUID.")
            .AddIf(named.ObjectId.Length is 0 or > LongestId, "principal.object_id", "Must be the object id of a principal, a UUID.")
            .AddIf(
                named.GroupIds.Count > MostGroups || named.GroupIds.Any(id => id.Length > LongestId),
                "principal.group_ids",
                string.Create(CultureInfo.InvariantCulture, $"Must be at most {MostGroups} ids of groups, UUIDs.")
            );
        if (caller.ServiceName is not null)
        {
            return named;
        }

        // Who asks about oneself is known by the token; groups that the request claims count for nothing.
        var oneself =
            named.TenantId.Equals(caller.Principal.TenantId, StringComparison.OrdinalIgnoreCase)
            && named.ObjectId.Equals(caller.Principal.ObjectId, StringComparison.OrdinalIgnoreCase);
        return oneself ? caller.Principal : throw GalleryError.AuthorizationFailed(AskAboutOthers, resource);
    }
}
