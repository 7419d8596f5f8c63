using Grpc.Core;

namespace Gallery.Cli.Uploads;

/// <summary>A node and the leave to talk to it.</summary>
/// <param name="Invoker">Calls to the node.</param>
/// <param name="Token">The grant.</param>
/// <param name="ResourceId">What it opens: an upload's or a replica's id.</param>
/// <param name="ExpireTime">When the grant ends.</param>
/// <param name="Bulk">Sends blocks in bulk; null when the node has no address for it.</param>
internal sealed record NodeGrant(CallInvoker Invoker, string Token, string ResourceId, DateTimeOffset ExpireTime, BulkSender? Bulk = null)
{
    /// <summary>The headers that show the grant.</summary>
    public Metadata Headers => new() { { "authorization", $"Bearer {Token}" } };

    /// <summary>Hides the token, should anyone ever print it.</summary>
    public override string ToString() => ResourceId;
}

/// <summary>
/// Keeps a grant fresh and repeats work that a cut, a restart of the node or the end of a grant has interrupted. All work that is given
/// to it must be safe to repeat.
/// </summary>
internal sealed class NodeAccess(
    NodeGrant first,
    Func<CancellationToken, Task<NodeGrant>> renew,
    TransferOptions options,
    TimeProvider time
) : IDisposable
{
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim one = new(1, 1);
    private NodeGrant current = first;

    /// <summary>Does a piece of work, and does it again while the node can't be reached.</summary>
    public async Task<T> DoAsync<T>(Func<NodeGrant, CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var grant = await CurrentAsync(cancellation);
            try
            {
                return await work(grant, cancellation);
            }
            catch (RpcException cut) when (IsCut(cut) && attempt < options.Attempts && !cancellation.IsCancellationRequested)
            {
                await Task.Delay(options.PauseAfter(attempt), time, cancellation);
            }
            catch (RpcException refused) when (IsGrantRefused(refused) && attempt <= 2)
            {
                await RenewAsync(grant, cancellation);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose() => one.Dispose();

    /// <summary>A stream that breaks off half-way ends with one of these, depending on which side noticed first.</summary>
    private static bool IsCut(RpcException cut) =>
        cut.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded
        || (
            cut.StatusCode is StatusCode.Internal or StatusCode.Cancelled or StatusCode.Unknown
            && cut.GetRpcStatus() is null
            && cut.Status.DebugException is not null
        );

    private static bool IsGrantRefused(RpcException refused) =>
        refused.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied;

    private async Task<NodeGrant> CurrentAsync(CancellationToken cancellation)
    {
        var grant = current;
        return grant.ExpireTime - time.GetUtcNow() > Margin ? grant : await RenewAsync(grant, cancellation);
    }

    private async Task<NodeGrant> RenewAsync(NodeGrant old, CancellationToken cancellation)
    {
        await one.WaitAsync(cancellation);
        try
        {
            if (ReferenceEquals(current, old))
            {
                current = await renew(cancellation);
            }

            return current;
        }
        finally
        {
            one.Release();
        }
    }
}
