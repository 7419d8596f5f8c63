using Gallery.Contracts.Sharing.V1;

namespace Gallery.Sharing.Roles;

/// <summary>A named set of actions.</summary>
internal sealed class Role
{
    private readonly ActionPattern[] _actions;
    private readonly ActionPattern[] _notActions;

    public Role(string id, string displayName, string description, string[] actions, string[] notActions)
    {
        Id = id;
        DisplayName = displayName;
        Description = description;
        _actions = [.. actions.Select(pattern => new ActionPattern(pattern))];
        _notActions = [.. notActions.Select(pattern => new ActionPattern(pattern))];
    }

    /// <summary>A UUID in lower case: the modelled service's.</summary>
    public string Id { get; }

    /// <summary>For people.</summary>
    public string DisplayName { get; }

    /// <summary>What it is for.</summary>
    public string Description { get; }

    /// <summary><c>roleDefinitions/{id}</c>.</summary>
    public string Name => $"{RoleCatalog.Collection}/{Id}";

    /// <summary>Whether the role has the action: one of its patterns matches and none of its exclusions does.</summary>
    public bool Has(string action) =>
        Array.Exists(_actions, pattern => pattern.Matches(action)) && !Array.Exists(_notActions, pattern => pattern.Matches(action));

    /// <summary>The role as callers see it.</summary>
    public RoleDefinition ToContract() =>
        new()
        {
            Name = Name,
            DisplayName = DisplayName,
            Description = Description,
            Actions = { _actions.Select(pattern => pattern.Value) },
            NotActions = { _notActions.Select(pattern => pattern.Value) },
        };
}
