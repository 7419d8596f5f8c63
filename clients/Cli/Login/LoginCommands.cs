using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Contracts.Sharing.V1;

namespace Gallery.Cli.Login;

/// <summary><c>login</c>, <c>token</c> and <c>logout</c>.</summary>
internal static class LoginCommands
{
    private const string SecretVariable = "GALLERY_CLIENT_SECRET";

    /// <summary><c>login</c>: signs in and remembers it.</summary>
    public static Command Login(CommandHost host)
    {
        var principal = new Option<string?>("--as")
        {
            Description = "A principal of the development issuer: owner, contributor, reader, pipeline, other-owner.",
            HelpName = "NAME",
        };
        var clientId = new Option<string?>("--client-id")
        {
            Description = $"A client of any OpenID Connect issuer. Its secret comes from {SecretVariable} or standard input.",
            HelpName = "ID",
        };
        var authority = new Option<string?>("--authority")
        {
            Description = "The issuer's URL; the gallery's own by default.",
            HelpName = "URL",
        };
        var scope = new Option<string?>("--scope") { Description = "The scope to ask for.", HelpName = "SCOPE" };
        var command = new Command("login", "Signs in, and remembers it for the commands that follow.")
        {
            principal,
            clientId,
            authority,
            scope,
        };
        return host.Handle(
            command,
            async invocation =>
            {
                var asked = (invocation.Get(principal), invocation.Get(clientId)) switch
                {
                    ({ } name, null) => Development(invocation, name),
                    (null, { } id) => Own(invocation, id),
                    _ => throw CommandFailure.Usage("Sign in either with --as NAME or with --client-id ID."),
                };
                asked = asked with
                {
                    Authority = invocation.Get(authority) ?? invocation.Endpoints.Identity,
                    Scope = invocation.Get(scope),
                };
                await SignInAsync(invocation, asked);
            }
        );
    }

    /// <summary><c>token</c>: prints a valid access token and nothing else.</summary>
    public static Command Token(CommandHost host) =>
        host.Handle(
            new Command("token", "Prints a valid access token and nothing else, for other gRPC clients."),
            async invocation =>
            {
                var token = await invocation.SignedIn.TokenAsync(invocation.Cancellation);
                invocation.Result.WriteFact(token, ("accessToken", token));
            }
        );

    /// <summary><c>logout</c>: forgets who is signed in.</summary>
    public static Command Logout(CommandHost host) =>
        host.Handle(
            new Command("logout", "Forgets who is signed in on this machine."),
            invocation =>
            {
                var was = invocation.Sessions.Delete();
                invocation.Result.WriteFact(was ? "Signed out." : "Nobody was signed in.", ("signedOut", was ? "true" : "false"));
                return Task.CompletedTask;
            }
        );

    private static Asked Development(Invocation invocation, string name)
    {
        var file = PrincipalsFile.Locate(invocation.Surroundings);
        var principal = PrincipalsFile.Find(file, name);
        return new Asked(principal.ClientId, principal.ClientSecret, file)
        {
            Name = principal.Name,
            DisplayName = principal.DisplayName,
            TenantId = principal.TenantId,
            ObjectId = principal.ObjectId,
        };
    }

    private static Asked Own(Invocation invocation, string clientId)
    {
        var secret = invocation.Surroundings.Setting(SecretVariable) ?? invocation.Surroundings.In.ReadLine()?.Trim();
        return string.IsNullOrEmpty(secret)
            ? throw CommandFailure.Usage(
                "The client's secret is missing.",
                $"Set {SecretVariable}, or write it to standard input. It is never taken from the command line."
            )
            : new Asked(clientId, secret, null) { Name = clientId };
    }

    private static async Task SignInAsync(Invocation invocation, Asked asked)
    {
        var token = await invocation.Tokens.RequestAsync(
            asked.Authority,
            asked.ClientId,
            asked.ClientSecret,
            asked.Scope,
            invocation.Cancellation
        );
        var claims = TokenClaims.Read(token.AccessToken);
        var session = new Session
        {
            Authority = asked.Authority,
            ClientId = asked.ClientId,
            ClientSecret = asked.PrincipalsFile is null ? asked.ClientSecret : null,
            PrincipalsFile = asked.PrincipalsFile,
            Scope = asked.Scope,
            Name = asked.Name,
            TenantId = asked.TenantId ?? claims.TenantId,
            ObjectId = asked.ObjectId ?? claims.ObjectId,
            AccessToken = token.AccessToken,
            ExpireTime = token.ExpireTime,
        };
        var subscriptions = await ListSubscriptionsAsync(invocation, session);
        session = session with { Subscription = subscriptions is [var first, ..] ? first.Name.Split('/')[^1] : null };
        invocation.Sessions.Write(session);
        Tell(invocation, session, asked.DisplayName ?? claims.Name, subscriptions);
    }

    private static async Task<List<Subscription>> ListSubscriptionsAsync(Invocation invocation, Session session)
    {
        var invoker = invocation.Channels.ToService("sharing", invocation.Endpoints.Sharing, _ => Task.FromResult(session.AccessToken));
        var client = new SubscriptionService.SubscriptionServiceClient(invoker);
        return await Pages.ReadAllAsync(async page =>
        {
            var request = new ListSubscriptionsRequest { PageSize = Pages.Size, PageToken = page };
            var answer = await client.ListSubscriptionsAsync(request, cancellationToken: invocation.Cancellation);
            return ((IEnumerable<Subscription>)answer.Subscriptions, answer.NextPageToken);
        });
    }

    private static void Tell(Invocation invocation, Session session, string? displayName, List<Subscription> subscriptions)
    {
        if (invocation.Result.IsJson)
        {
            invocation.Result.WriteFact(
                "",
                ("name", session.Name),
                ("displayName", displayName ?? session.Name),
                ("tenantId", session.TenantId ?? ""),
                ("objectId", session.ObjectId ?? ""),
                ("subscription", session.Subscription ?? "")
            );
            return;
        }

        var who = displayName is null || displayName == session.Name ? session.Name : $"{session.Name} ({displayName})";
        invocation.Result.Say($"Signed in as {who}{(session.TenantId is null ? "" : $", tenant {session.TenantId}")}.");
        invocation.Result.Say(
            subscriptions is [var first, ..]
                ? $"Commands mean subscription {session.Subscription}{(first.DisplayName is { Length: > 0 } name && name != session.Subscription ? $" ({name})" : "")} by default."
                : "No subscription gives this principal a role."
        );
        if (subscriptions.Count > 1)
        {
            invocation.Result.Say($"Others: {string.Join(", ", subscriptions.Skip(1).Select(other => other.Name.Split('/')[^1]))}.");
        }

        if (session.ClientSecret is not null)
        {
            invocation.Result.Say(
                $"The client's secret is kept in {invocation.Sessions.Path} (readable by you only) until 'gallery logout'."
            );
        }
    }

    /// <summary>Who wants to sign in, and where.</summary>
    private sealed record Asked(string ClientId, string ClientSecret, string? PrincipalsFile)
    {
        public required string Name { get; init; }

        public string? DisplayName { get; init; }

        public string? TenantId { get; init; }

        public string? ObjectId { get; init; }

        public string Authority { get; init; } = "";

        public string? Scope { get; init; }

        public override string ToString() => Name;
    }
}
