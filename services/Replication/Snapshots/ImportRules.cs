using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>What an import may be. Pure. Where it may be fetched from is the business of the region's node.</summary>
internal static class ImportRules
{
    private const int LongestUri = 4096;
    private const string Field = "import_source.uri";

    /// <summary>Reads the address of a source.</summary>
    /// <returns>It, and what may be shown of it.</returns>
    public static (string Secret, string Shown) Require(V1.CreateSnapshotRequest request)
    {
        var violations = new Violations();
        var text = request.ImportSource.Uri;
        var sound = text.Length is > 0 and <= LongestUri && Uri.TryCreate(text, UriKind.Absolute, out _);
        var uri = sound ? new Uri(text) : null;
        violations
            .AddIf(!sound, Field, $"Must be an address of 1 to {LongestUri} characters: file:///…, http://… or https://….")
            .AddIf(uri?.Scheme is not (null or "file" or "http" or "https"), Field, "Must begin with file:, http: or https:.")
            .AddIf(uri is { UserInfo.Length: > 0 }, Field, "Must hold no user and password; a signature in the query may be.")
            .AddIf(uri is { IsFile: true, Host.Length: > 0 }, Field, "Must name a path and no host: file:///folder/disk.raw.")
            .AddIf(request.FileSizeBytes != 0, "file_size_bytes", "Must be 0 with an import_source: the source tells it.");
        violations.ThrowIfAny();
        return (text, new UriBuilder(uri!) { Query = "", Fragment = "" }.Uri.ToString());
    }

    /// <summary>Whether a repeated request means the import that is going on.</summary>
    public static bool IsSameImport(V1.Snapshot snapshot, string region, string shown, DiskFormat format) =>
        snapshot.State == V1.SnapshotState.Importing
        && snapshot.Region == region
        && snapshot.Import.Uri == shown
        && snapshot.Format == format;

    /// <summary>The pause before the next attempt: a second, doubled with each that failed, at most so long.</summary>
    public static TimeSpan RetryDelay(int failures, TimeSpan most) =>
        TimeSpan.FromSeconds(Math.Min(most.TotalSeconds, Math.Pow(2, Math.Min(failures, 20))));
}
