using Gallery.Replication.Regions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>Bandwidth limits of the ways between regions, section <c>Links</c>. The node that pulls keeps them, over all its pulls together.</summary>
internal sealed class RegionLinkOptions
{
    /// <summary>Bytes a second from one region to another, for pairs that are not listed; 0 for no limit.</summary>
    public long MaxBytesPerSecond { get; set; }

    /// <summary>Pairs with a limit of their own.</summary>
    public List<RegionLinkLimit> Pairs { get; set; } = [];

    /// <summary>The limit from one region to another in bytes a second; 0 for none.</summary>
    public long LimitOf(string from, string to) =>
        Pairs.Find(pair => RegionName.Normalize(pair.From) == from && RegionName.Normalize(pair.To) == to)?.MaxBytesPerSecond
        ?? MaxBytesPerSecond;
}

/// <summary>The limit of one pair, section <c>Links:Pairs:{i}</c>. The way back is another pair.</summary>
internal sealed class RegionLinkLimit
{
    /// <summary>The region that bytes come from.</summary>
    public string From { get; set; } = "";

    /// <summary>The region that takes them.</summary>
    public string To { get; set; } = "";

    /// <summary>Bytes a second; 0 for no limit.</summary>
    public long MaxBytesPerSecond { get; set; }
}

/// <summary>Refuses limits that can't be meant.</summary>
internal sealed class RegionLinksValidation(RegionRegistry regions) : IValidateOptions<RegionLinkOptions>
{
    private const long Least = 1024;

    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, RegionLinkOptions options)
    {
        var wrong = new List<string>();
        void RequireLimit(string where, long limit)
        {
            if (limit is not 0 and < Least)
            {
                wrong.Add($"{where}:MaxBytesPerSecond is 0 for no limit, or {Least} or more.");
            }
        }

        RequireLimit("Links", options.MaxBytesPerSecond);
        for (var index = 0; index < options.Pairs.Count; index++)
        {
            var pair = options.Pairs[index];
            RequireLimit($"Links:Pairs:{index}", pair.MaxBytesPerSecond);
            foreach (var region in new[] { pair.From, pair.To })
            {
                if (!regions.Contains(RegionName.Normalize(region)))
                {
                    wrong.Add($"Links:Pairs:{index}: '{region}' is not a region of this gallery.");
                }
            }
        }

        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }
}
