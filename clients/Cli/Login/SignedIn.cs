namespace Gallery.Cli.Login;

/// <summary>The signed-in person's token, kept fresh.</summary>
internal sealed class SignedIn(SessionStore store, TokenSource tokens, TimeProvider time) : IDisposable
{
    /// <summary>A token that ends sooner is replaced before it is used.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim one = new(1, 1);
    private Session? session;

    /// <summary>Who is signed in.</summary>
    /// <exception cref="CommandFailure">Nobody is.</exception>
    public Session Session => session ??= store.Read() ?? throw CommandFailure.NotSignedIn("Nobody is signed in.");

    /// <summary>A token that is valid for a minute at least.</summary>
    public async Task<string> TokenAsync(CancellationToken cancellation)
    {
        await one.WaitAsync(cancellation);
        try
        {
            if (Session.ExpireTime - time.GetUtcNow() < Margin)
            {
                var secret = SecretOf(Session);
                var fresh = await tokens.RequestAsync(Session.Authority, Session.ClientId, secret, Session.Scope, cancellation);
                session = Session with { AccessToken = fresh.AccessToken, ExpireTime = fresh.ExpireTime };
                store.Write(session);
            }

            return Session.AccessToken;
        }
        finally
        {
            one.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => one.Dispose();

    private static string SecretOf(Session session) =>
        session.ClientSecret
        ?? (session.PrincipalsFile is { } file ? PrincipalsFile.Find(file, session.Name).ClientSecret : null)
        ?? throw CommandFailure.NotSignedIn("The token has ended.");
}
