using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using StackExchange.Redis;

namespace Gallery.Replication.Versions;

/// <summary>Reads the documents of versions, and exchanges them: a change is written only if the document is still the one it was made from.</summary>
internal sealed class VersionStore
{
    // Every conflict means that somebody else got on; so many in a row would be a defect.
    private const int MostConflicts = 100;

    private readonly RedisStore _redis;
    private readonly ChangeSignals _signals;
    private readonly TimeProvider _clock;
    private readonly ChangeBatches _changes;

    /// <summary>Makes the store.</summary>
    public VersionStore(RedisStore redis, ChangeSignals signals, TimeProvider clock)
    {
        (_redis, _signals, _clock) = (redis, signals, clock);
        _changes = new ChangeBatches(ChangeAsync);
    }

    /// <summary>The partition of a version.</summary>
    public Partition PartitionOf(ResourceName version) => _redis.PartitionOf(version.SubscriptionId);

    /// <summary>Reads a document; null when there is none.</summary>
    public async Task<VersionDocument?> ReadAsync(ResourceName version, CancellationToken cancellationToken)
    {
        var fields = await _redis
            .Database.HashGetAllAsync(VersionKeys.Document(PartitionOf(version), version))
            .WaitAsync(cancellationToken);
        return Parse(fields);
    }

    /// <summary>Reads what is wanted of a version, without its replicas; null when there is no document.</summary>
    public async Task<VersionRecord?> ReadRecordAsync(ResourceName version, CancellationToken cancellationToken) =>
        (await _redis.ReadAsync(VersionKeys.Document(PartitionOf(version), version), VersionRecord.Parser, cancellationToken))?.Value;

    /// <summary>
    /// Changes a document by a rule, again and again until nobody else changed it in between. Changes of one version that come together are
    /// written together.
    /// </summary>
    /// <param name="version">The version.</param>
    /// <param name="rule">Makes the new document from the stored one; null when nothing is to change. May be asked several times.</param>
    /// <param name="cancellationToken">Ends the wait; the change may be written all the same.</param>
    /// <returns>The document as it is stored now; null when there is none, or the rule did not apply.</returns>
    public Task<VersionDocument?> ChangeAsync(
        ResourceName version,
        Func<VersionDocument, VersionDocument?> rule,
        CancellationToken cancellationToken
    ) => _changes.AddAsync(version, rule).WaitAsync(cancellationToken);

    /// <summary>Applies rules one after the other, each to what the one before made, and writes what comes of it in one step.</summary>
    private async Task<VersionDocument?> ChangeAsync(ResourceName version, IReadOnlyList<PendingChange> changes)
    {
        for (var conflict = 0; conflict < MostConflicts; conflict++)
        {
            if (await ReadAsync(version, CancellationToken.None) is not { } before)
            {
                foreach (var change in changes)
                {
                    change.Applied = false;
                }

                return null;
            }

            var after = before;
            foreach (var change in changes)
            {
                after = change.Apply(after);
            }

            if (ReferenceEquals(before, after))
            {
                return null;
            }

            if (await TryWriteAsync(before, after, [], CancellationToken.None) is { } written)
            {
                return written;
            }
        }

        throw GalleryError.OperationNotAllowed(version.Value, "it changes all the time.");
    }

    /// <summary>Writes a document if the stored one is still the one it was made from.</summary>
    /// <param name="before">The one that was read; null when there was none.</param>
    /// <param name="after">The new one.</param>
    /// <param name="events">To be told besides those that the difference makes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="guard">Adds checks to the same step, each with the error it is given: one that fails counts as somebody faster.</param>
    /// <returns>The stored document, with its new etag; null when somebody was faster.</returns>
    public async Task<VersionDocument?> TryWriteAsync(
        VersionDocument? before,
        VersionDocument after,
        IReadOnlyList<EventEnvelope> events,
        CancellationToken cancellationToken,
        Action<RedisMutation, Func<RpcException>>? guard = null
    )
    {
        var partition = PartitionOf(after.Name);
        var key = VersionKeys.Document(partition, after.Name);
        var mutation = new RedisMutation(partition);
        var conflict = GalleryError.OperationNotAllowed(after.Name.Value, "it was changed at the same time.");
        if (before is null)
        {
            mutation.RequireAbsent(key, () => conflict);
        }
        else
        {
            mutation.RequireEtag(key, before.Etag, () => conflict);
            foreach (var uid in ChangedClaims(before, after))
            {
                // Its holder may have moved the end of its claim on, which the etag does not tell.
                mutation.RequireField(key, VersionKeys.ClaimField(uid), before.ClaimOf(uid).ToString(), () => conflict);
            }
        }

        guard?.Invoke(mutation, () => conflict);
        var etag = Etag.New();
        var now = _clock.GetUtcNow();
        var told = DocumentEvents.Between(before, after, now).Concat(events).ToList();
        foreach (var status in told.Select(entry => entry.ReplicationStatusChanged).OfType<ReplicationStatusChanged>())
        {
            status.Sequence = ++after.Version.StatusCount;
        }

        DocumentChange.Write(mutation, before, after, etag);
        told.ForEach(entry => mutation.AppendEvent(entry));

        if (!await _redis.TryExecuteAsync(mutation, conflict, cancellationToken))
        {
            return null;
        }

        _signals.Changed(after.Name, DocumentChange.RegionsWithNewWork(before, after, now));
        return new VersionDocument
        {
            Version = after.Version,
            Etag = etag,
            Replicas = after.Replicas,
            Claims = after.Claims,
            Progress = after.Progress,
        };
    }

    /// <summary>Tells events of a version that has no document.</summary>
    public Task TellAsync(ResourceName version, EventEnvelope told, CancellationToken cancellationToken) =>
        _redis.ExecuteAsync(new RedisMutation(PartitionOf(version)).AppendEvent(told), cancellationToken);

    private static IEnumerable<string> ChangedClaims(VersionDocument before, VersionDocument after) =>
        before.Claims.Where(claim => after.ClaimOf(claim.Key) != claim.Value).Select(claim => claim.Key);

    private static VersionDocument? Parse(HashEntry[] fields)
    {
        if (Array.Find(fields, field => field.Name == "p") is not { Name.IsNull: false } record)
        {
            return null;
        }

        var document = new VersionDocument
        {
            Version = VersionRecord.Parser.ParseFrom((byte[])record.Value!),
            Etag = Array.Find(fields, field => field.Name == "e").Value.ToString(),
        };
        foreach (var field in fields)
        {
            var name = field.Name.ToString();
            var uid = name.Length > 2 ? name[2..] : "";
            switch (name.AsSpan(0, Math.Min(2, name.Length)))
            {
                case "r:":
                    document.Replicas.Add(uid, ReplicaRecord.Parser.ParseFrom((byte[])field.Value!));
                    break;
                case "c:":
                    document.Claims.Add(uid, Claim.Parse(field.Value.ToString()));
                    break;
                case "g:":
                    document.Progress.Add(uid, ProgressRecord.Parser.ParseFrom((byte[])field.Value!));
                    break;
            }
        }

        return document;
    }
}
