using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Login;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Cli.Progress;

namespace Gallery.Cli;

/// <summary>One run of a command: what was typed, where results go, and the services.</summary>
internal sealed class Invocation : IDisposable
{
    private readonly ParseResult parsed;
    private readonly GlobalOptions options;
    private readonly TokenSource tokens;
    private readonly SignedIn signedIn;
    private readonly Channels channels;
    private Services? services;
    private ServiceEndpoints? endpoints;

    public Invocation(
        ParseResult parsed,
        GlobalOptions options,
        OutputFormat format,
        Surroundings surroundings,
        CancellationToken cancellation
    )
    {
        this.parsed = parsed;
        this.options = options;
        Surroundings = surroundings;
        Cancellation = cancellation;
        Result = new ResultWriter(surroundings.Out, format, surroundings.OutIsTerminal);
        Progress = new ProgressPainter(surroundings);
        Sessions = new SessionStore(surroundings);
        tokens = new TokenSource(surroundings.Time);
        signedIn = new SignedIn(Sessions, tokens, surroundings.Time);
        channels = new Channels(surroundings.Time);
    }

    /// <summary>The world outside.</summary>
    public Surroundings Surroundings { get; }

    /// <summary>Cancelled by Ctrl-C.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>Where the result goes.</summary>
    public ResultWriter Result { get; }

    /// <summary>Shows how far long work is.</summary>
    public ProgressPainter Progress { get; }

    /// <summary>Remembers who is signed in.</summary>
    public SessionStore Sessions { get; }

    /// <summary>Who is signed in, with a valid token.</summary>
    public SignedIn SignedIn => signedIn;

    /// <summary>Gets tokens.</summary>
    public TokenSource Tokens => tokens;

    /// <summary>Opens connections to nodes.</summary>
    public Channels Channels => channels;

    /// <summary>Where the services are.</summary>
    public ServiceEndpoints Endpoints => endpoints ??= ServiceEndpoints.Find(Surroundings);

    /// <summary>The services, called as the signed-in person.</summary>
    public Services Services => services ??= new Services(Endpoints, channels, signedIn);

    /// <summary>The value of an option.</summary>
    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    /// <summary>The value of an option that the parser has made sure of.</summary>
    public T Required<T>(Option<T> option) => parsed.GetRequiredValue(option);

    /// <summary>The value of an argument.</summary>
    public T? Get<T>(Argument<T> argument) => parsed.GetValue(argument);

    /// <summary>The value of an argument that the parser has made sure of.</summary>
    public T Required<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    /// <summary>The id of the subscription that is meant where a name does not say it.</summary>
    /// <exception cref="CommandFailure">None was named, and nobody is signed in or has one.</exception>
    public string Subscription()
    {
        var id =
            options.SubscriptionOf(parsed)
            ?? Surroundings.Setting("GALLERY_SUBSCRIPTION")
            ?? SignedIn.Session.Subscription
            ?? throw CommandFailure.Usage(
                $"{SignedIn.Session.Name} has no role in any subscription, so none is meant by default.",
                "Name one with --subscription."
            );
        return id.StartsWith("subscriptions/", StringComparison.OrdinalIgnoreCase) ? id["subscriptions/".Length..] : id;
    }

    /// <summary>Finds out which resource is meant by a name and options.</summary>
    public ResourceName Resolve(ResourceKind kind, string? text, NameParts parts) => ResourceName.Resolve(kind, text, parts, Subscription);

    /// <summary>An id for a changing request, so that sending it again is safe.</summary>
    public static string NewRequestId() => Guid.NewGuid().ToString();

    /// <inheritdoc />
    public void Dispose()
    {
        channels.Dispose();
        signedIn.Dispose();
        tokens.Dispose();
    }
}
