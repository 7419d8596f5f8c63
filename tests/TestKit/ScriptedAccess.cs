using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Grpc.Core;

namespace Gallery.TestKit;

/// <summary>A question that was asked of Sharing.</summary>
public sealed record AskedAccess(Principal Principal, string Action, string Resource);

/// <summary>Stands for Sharing's decisions. Allows everything until told otherwise.</summary>
public sealed class ScriptedAccess : AccessService.AccessServiceBase
{
    private readonly ConcurrentQueue<AskedAccess> _asked = new();
    private readonly ConcurrentDictionary<string, bool> _denied = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Who may do what. Actions denied by <see cref="Deny"/> are denied before this is asked.</summary>
    public Func<Principal, string, string, bool> Decide { get; set; } = (_, _, _) => true;

    /// <summary>The questions asked so far.</summary>
    public IReadOnlyList<AskedAccess> Asked => [.. _asked];

    /// <summary>
    /// Decides as the seeded assignments do: owner all; contributor and pipeline all but authorization writes and sharing; reader what ends
    /// in
    /// <c>/read</c>; each in subscription A only, and other-owner all in subscription B.
    /// </summary>
    public static ScriptedAccess LikeSeeded() => new() { Decide = Seeded };

    /// <summary>Denies an action to everybody.</summary>
    public ScriptedAccess Deny(string action)
    {
        _denied[action] = true;
        return this;
    }

    /// <summary>Takes back <see cref="Deny"/>.</summary>
    public ScriptedAccess Allow(string action)
    {
        _denied.TryRemove(action, out _);
        return this;
    }

    /// <inheritdoc />
    public override Task<CheckAccessResponse> CheckAccess(CheckAccessRequest request, ServerCallContext context) =>
        Task.FromResult(Answer(request.Principal, request.Action, request.Resource));

    /// <inheritdoc />
    public override Task<BatchCheckAccessResponse> BatchCheckAccess(BatchCheckAccessRequest request, ServerCallContext context) =>
        Task.FromResult(
            new BatchCheckAccessResponse
            {
                Decisions = { request.Questions.Select(question => Answer(request.Principal, question.Action, question.Resource)) },
            }
        );

    private static bool Seeded(Principal principal, string action, string resource)
    {
        if (principal.ObjectId == TestPrincipal.OtherOwner.ObjectId)
        {
            return IsIn(TestPrincipal.SubscriptionB, resource);
        }

        return IsIn(TestPrincipal.SubscriptionA, resource)
            && principal.ObjectId switch
            {
                var id when id == TestPrincipal.Owner.ObjectId => true,
                var id when id == TestPrincipal.Reader.ObjectId => action.EndsWith("/read", StringComparison.OrdinalIgnoreCase),
                var id when id == TestPrincipal.Contributor.ObjectId || id == TestPrincipal.Pipeline.ObjectId => !OwnersOnly(action),
                _ => false,
            };
    }

    private static bool OwnersOnly(string action) =>
        action.EndsWith("/share/action", StringComparison.OrdinalIgnoreCase)
        || (
            action.StartsWith("Microsoft.Authorization/", StringComparison.OrdinalIgnoreCase)
            && !action.EndsWith("/read", StringComparison.OrdinalIgnoreCase)
        );

    private static bool IsIn(string subscription, string resource) =>
        resource.StartsWith($"subscriptions/{subscription}", StringComparison.OrdinalIgnoreCase);

    private CheckAccessResponse Answer(Principal principal, string action, string resource)
    {
        _asked.Enqueue(new AskedAccess(principal, action, resource));
        var allowed = !_denied.ContainsKey(action) && Decide(principal, action, resource);
        return new CheckAccessResponse { Allowed = allowed, Reason = allowed ? "The script allows it." : "The script denies it." };
    }
}
