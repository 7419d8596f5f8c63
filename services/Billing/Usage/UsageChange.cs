namespace Gallery.Billing.Usage;

/// <summary>What an event changed in the records.</summary>
/// <param name="Begun">An interval has begun.</param>
/// <param name="Ended">An interval has ended, perhaps before its beginning was heard of.</param>
/// <param name="EgressBytes">Bytes of egress that were recorded to be billed.</param>
internal readonly record struct UsageChange(bool Begun, bool Ended, long EgressBytes)
{
    /// <summary>Nothing: the event was known, or is of no interest.</summary>
    public static UsageChange None => default;
}
