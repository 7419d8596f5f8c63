using Gallery.ServiceDefaults.Names;

namespace Gallery.Replication.Versions;

/// <summary>A change of a document that waits to be written.</summary>
/// <param name="rule">Makes the new document; null when nothing is to change.</param>
internal sealed class PendingChange(Func<VersionDocument, VersionDocument?> rule)
{
    private readonly TaskCompletionSource<VersionDocument?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _failure;

    /// <summary>Whether the rule applied when it was asked last.</summary>
    public bool Applied { get; set; }

    /// <summary>Done when the change is written, with the stored document; null when it did not apply.</summary>
    public Task<VersionDocument?> Written => _done.Task;

    /// <summary>The document after this change; the same when the rule does not apply.</summary>
    public VersionDocument Apply(VersionDocument document)
    {
        try
        {
            _failure = null;
            var after = rule(document);
            Applied = after is not null;
            return after ?? document;
        }
        catch (Exception exception)
        {
            // A rule with a defect must not spoil the others' changes.
            (Applied, _failure) = (false, exception);
            return document;
        }
    }

    /// <summary>Tells the one who waits.</summary>
    public void Complete(VersionDocument? written)
    {
        if (_failure is not null)
        {
            _done.TrySetException(_failure);
        }
        else
        {
            _done.TrySetResult(Applied ? written : null);
        }
    }

    /// <summary>Tells the one who waits that nothing could be written.</summary>
    public void Fail(Exception failure) => _done.TrySetException(failure);
}

/// <summary>
/// Gathers the changes that come while an earlier one of the same version is being written, and writes them together: the regions of a
/// version get on at the same time, and would otherwise get into each other's way. Changes by other processes are met by the store's own check.
/// </summary>
/// <param name="write">Writes changes of a version in one step; answers the stored document, or null when none applied.</param>
internal sealed class ChangeBatches(Func<ResourceName, IReadOnlyList<PendingChange>, Task<VersionDocument?>> write)
{
    private readonly Dictionary<string, List<PendingChange>> _waiting = [];
    private readonly Lock _gate = new();

    /// <summary>Adds a change.</summary>
    /// <returns>Done when it is written.</returns>
    public Task<VersionDocument?> AddAsync(ResourceName version, Func<VersionDocument, VersionDocument?> rule)
    {
        var change = new PendingChange(rule);
        lock (_gate)
        {
            if (_waiting.TryGetValue(version.Key, out var waiting))
            {
                waiting.Add(change);
                return change.Written;
            }

            _waiting.Add(version.Key, []);
        }

        _ = WriteAsync(version, [change]);
        return change.Written;
    }

    private async Task WriteAsync(ResourceName version, List<PendingChange> batch)
    {
        while (true)
        {
            try
            {
                var written = await write(version, batch);
                batch.ForEach(change => change.Complete(written));
            }
            catch (Exception exception)
            {
                batch.ForEach(change => change.Fail(exception));
            }

            lock (_gate)
            {
                batch = _waiting[version.Key];
                if (batch.Count == 0)
                {
                    _waiting.Remove(version.Key);
                    return;
                }

                _waiting[version.Key] = [];
            }
        }
    }
}
