using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Names;
using Gallery.Sharing.Assignments;

namespace Gallery.Sharing.Access;

/// <summary>What is to be done to what.</summary>
internal readonly record struct Question(ActionName Action, ResourceName Resource);

/// <summary>Decides questions by the assignments in the store: one round trip a subscription, two for members of many groups.</summary>
internal sealed class AccessDecider(GrantStore grants)
{
    /// <summary>Decides one question.</summary>
    public async Task<CheckAccessResponse> DecideAsync(Principal principal, Question question, CancellationToken cancellationToken) =>
        (await DecideAsync(principal, [question], cancellationToken))[0];

    /// <summary>Decides questions about one principal, in their order.</summary>
    public async Task<CheckAccessResponse[]> DecideAsync(
        Principal principal,
        IReadOnlyList<Question> questions,
        CancellationToken cancellationToken
    )
    {
        var holders = Holder.Of(principal);
        var decisions = new CheckAccessResponse[questions.Count];
        var bySubscription = Enumerable.Range(0, questions.Count).GroupBy(index => questions[index].Resource.SubscriptionId);
        await Task.WhenAll(
            bySubscription.Select(async indexes =>
            {
                var relevant = await grants.NarrowAsync(indexes.Key, holders, cancellationToken);
                var sufficient = indexes.ToDictionary(
                    index => index,
                    index => AccessRules.Sufficient(relevant, questions[index].Action, questions[index].Resource).ToArray()
                );
                var held = await grants.FindAsync(indexes.Key, [.. sufficient.Values.SelectMany(each => each)], cancellationToken);
                foreach (var (index, candidates) in sufficient)
                {
                    decisions[index] = Answer(questions[index], candidates, held);
                }
            })
        );
        return decisions;
    }

    private static CheckAccessResponse Answer(Question question, Grant[] candidates, IReadOnlyDictionary<string, string> held)
    {
        foreach (var grant in candidates)
        {
            if (held.TryGetValue(grant.Key, out var assignmentId))
            {
                return new CheckAccessResponse
                {
                    Allowed = true,
                    Reason = $"The role '{grant.Role.DisplayName}' at '{grant.Scope}' allows it.",
                    RoleDefinition = grant.Role.Name,
                    RoleAssignment = AssignmentName.Of(question.Resource.SubscriptionId, assignmentId),
                    Scope = grant.Scope.Value,
                };
            }
        }

        return new CheckAccessResponse
        {
            Reason =
                $"No role assignment at '{question.Resource}' or above it allows '{question.Action.Value}' to the principal or its groups.",
        };
    }
}
