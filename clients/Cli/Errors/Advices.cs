namespace Gallery.Cli.Errors;

/// <summary>What the person at the command line can do about a refusal: services say what is wrong, this says which command helps.</summary>
internal static class Advices
{
    /// <summary>The advice for a refusal; null when the message and its violations say it all.</summary>
    public static string? For(ErrorReport report, Callee? callee) =>
        report.Reason switch
        {
            "LocationNotAvailableForResourceType" => "'gallery region list' shows the regions and which of them your subscription may use.",
            "PropertyChangeNotAllowed" => "Keep the property as it is, or create a new resource.",
            "ParentResourceNotFound" => "Create the parent first, and check --group, --gallery, --definition and --subscription.",
            "ResourceNotFound" => "Check the name, and --group and --subscription.",
            "ResourceAlreadyExists" => "Take another name, or delete the one that exists.",
            "GalleryImageNotFound" => "'gallery version status' shows in which regions a version is complete.",
            "ScopeLocked" => "An owner of the scope can remove the lock.",
            "AuthorizationFailed" or "LinkedAuthorizationFailed" => "Check --subscription, and who is signed in.",
            "AuthenticationFailed" => SignIn,
            "OperationNotAllowed" => "Wait until its state has settled and try again.",
            "EtagMismatch" => "Someone else changed it: read it again and repeat the change.",
            "GallerySourceResourceExceedsMaxSize" => "Publish a smaller disk, or have the operator raise the limit.",
            "InvalidDiskFormat" => "Check the file, and --format. 'raw' takes a file as it is.",
            "StorageExhausted" => "Delete versions and snapshots, or choose another region.",
            "ReplicasExhausted" => "Wait until other deployments are done, or give the version more replicas in this region.",
            "ReplicationEnded" => "'gallery version retry' tries a region again.",
            "GrantNotValid" or "LeaseExpired" => "Run the command again: it asks for a new grant.",
            "RegionUnavailable" => "'gallery region list' shows how the regions are. Try again later.",
            "ServiceCredentialsRefused" => "Tell the operator: the services' own credentials are misconfigured.",
            "StorageAccountTypeNotSupported" => "'gallery region list' shows how many zones a region has; Standard_ZRS takes three.",
            null when report.ExitCode == Cli.ExitCode.NotSignedIn => SignIn,
            null when report.Code == "UNAVAILABLE" && callee is not null =>
                $"Start the gallery ('./start'), or name the address with GALLERY_{callee.Service.ToUpperInvariant()}_URL.",
            _ => null,
        };

    private const string SignIn = "Sign in again with 'gallery login --as NAME' or 'gallery login --client-id ID'.";
}
