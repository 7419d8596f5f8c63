using System.ComponentModel.DataAnnotations;

namespace Gallery.Region.Imports;

/// <summary>What a node may fetch by itself, section `Imports`. What is not allowed here is refused.</summary>
internal sealed class ImportOptions
{
    /// <summary>Folders whose files may be imported by `file:`, absolute paths; none by default.</summary>
    public IList<string> Folders { get; init; } = [];

    /// <summary>
    /// Hosts that may be fetched from, `images.example.org`, `*.example.org`, each with `:port` or without; when empty, all hosts on the public
    /// internet.
    /// </summary>
    public IList<string> Hosts { get; init; } = [];

    /// <summary>
    /// Hosts that may be fetched from although their addresses are private, link-local or loopback, written likewise; none by default. All others
    /// with such addresses are refused, whatever their names say.
    /// </summary>
    public IList<string> PrivateHosts { get; init; } = [];

    /// <summary>Imports that fetch at the same time; further ones wait.</summary>
    [Range(1, 100)]
    public int MaxRunning { get; set; } = 2;

    /// <summary>Requests at the same time of one import, of 4 MiB each.</summary>
    [Range(1, 32)]
    public int RequestsPerImport { get; set; } = 4;

    /// <summary>How long one request may take.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How often a request that failed is repeated before the import waits to be started again.</summary>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 5;

    /// <summary>The pause before the first repetition. It doubles with each further one, with jitter.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest pause, also when the source asks for a longer one.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(15);
}
