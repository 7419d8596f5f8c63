namespace Gallery.Sharing.Roles;

/// <summary>A pattern of actions, <c>Microsoft.Compute/galleries/*</c>: <c>*</c> stands for any run of characters, slashes included.</summary>
/// <param name="Value">The pattern as it is shown.</param>
internal readonly record struct ActionPattern(string Value)
{
    /// <summary>Whether an action has the pattern; case does not matter.</summary>
    public bool Matches(string action)
    {
        // Greedy with one point to come back to: after a further star, the earlier ones never need another try.
        int at = 0,
            next = 0,
            star = -1,
            resume = 0;
        while (at < action.Length)
        {
            if (next < Value.Length && Value[next] == '*')
            {
                star = next++;
                resume = at;
            }
            else if (next < Value.Length && char.ToUpperInvariant(Value[next]) == char.ToUpperInvariant(action[at]))
            {
                next++;
                at++;
            }
            else if (star >= 0)
            {
                next = star + 1;
                at = ++resume;
            }
            else
            {
                return false;
            }
        }

        return Value.AsSpan(next).TrimStart('*').IsEmpty;
    }
}
