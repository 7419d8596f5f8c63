namespace Gallery.ServiceDefaults.Redis;

/// <summary>The key prefix that the service owns.</summary>
internal sealed record RedisPrefix(string Value);
