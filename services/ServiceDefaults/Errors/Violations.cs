namespace Gallery.ServiceDefaults.Errors;

/// <summary>Collects what is wrong with a request, so that the caller learns all of it at once.</summary>
public sealed class Violations
{
    private readonly List<(string Field, string Description)> _found = [];

    /// <summary>Whether something is wrong.</summary>
    public bool Any => _found.Count > 0;

    /// <summary>What is wrong, in the order found.</summary>
    public IReadOnlyList<(string Field, string Description)> Found => _found;

    /// <summary>Notes a wrong field.</summary>
    /// <param name="field">Path of the field in the request.</param>
    /// <param name="description">What the field accepts.</param>
    public Violations Add(string field, string description)
    {
        _found.Add((field, description));
        return this;
    }

    /// <summary>Notes a field if it is wrong.</summary>
    /// <param name="wrong">Whether it is wrong.</param>
    /// <param name="field">Path of the field in the request.</param>
    /// <param name="description">What the field accepts.</param>
    public Violations AddIf(bool wrong, string field, string description) => wrong ? Add(field, description) : this;

    /// <summary>Refuses the request with INVALID_ARGUMENT when something is wrong.</summary>
    public void ThrowIfAny()
    {
        if (Any)
        {
            throw GalleryError.InvalidParameter([.. _found]);
        }
    }
}
