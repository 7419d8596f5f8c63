namespace Gallery.Cli;

/// <summary>How a command ends. Scripts rely on these numbers.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>Refused by a service, or it failed: the same command will fail again until something is changed.</summary>
    public const int Refused = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Nobody is signed in, or the token is not accepted.</summary>
    public const int NotSignedIn = 3;

    /// <summary>A service does not answer: the same command may succeed later.</summary>
    public const int Unavailable = 4;

    /// <summary>Ended by Ctrl-C.</summary>
    public const int Interrupted = 130;
}
