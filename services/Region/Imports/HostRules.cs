using Microsoft.Extensions.Options;

namespace Gallery.Region.Imports;

/// <summary>Which hosts the settings allow.</summary>
internal sealed class HostRules(IOptions<ImportOptions> options)
{
    /// <summary>Refuses an address whose host is not among those allowed.</summary>
    /// <exception cref="RegionException">It is not.</exception>
    public void Check(Uri uri)
    {
        var hosts = options.Value.Hosts;
        if (hosts.Count > 0 && !IsAmong(hosts, uri.IdnHost, uri.Port) && !MayBePrivate(uri.IdnHost, uri.Port))
        {
            throw ImportErrors.NotAllowed(
                $"the host '{uri.IdnHost}' is not among those that this region imports from: {string.Join(", ", hosts)}."
            );
        }
    }

    /// <summary>True when a host may have addresses that are not public.</summary>
    public bool MayBePrivate(string host, int port) => IsAmong(options.Value.PrivateHosts, host, port);

    private static bool IsAmong(IEnumerable<string> rules, string host, int port) => rules.Any(rule => Fits(rule, host, port));

    private static bool Fits(string rule, string host, int port)
    {
        var colon = rule.LastIndexOf(':');
        if (colon > 0 && !rule.EndsWith(']') && rule[(colon + 1)..] is var number && number.All(char.IsAsciiDigit))
        {
            return number == $"{port}" && Fits(rule[..colon], host, port);
        }

        var name = host.Trim('[', ']');
        return rule.StartsWith("*.", StringComparison.Ordinal)
            ? name.EndsWith(rule[1..], StringComparison.OrdinalIgnoreCase)
            : name.Equals(rule.Trim('[', ']'), StringComparison.OrdinalIgnoreCase);
    }
}
