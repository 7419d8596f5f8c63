namespace Gallery.LocalHosting.Running;

/// <summary>Something a person can mend; the message says how, and no stack trace is shown.</summary>
internal sealed class LocalHostingException(string message) : Exception(message);
