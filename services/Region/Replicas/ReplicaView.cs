namespace Gallery.Region.Replicas;

/// <summary>A replica as it is at this moment.</summary>
/// <param name="Record">What is kept of it.</param>
/// <param name="State">Where it stands.</param>
/// <param name="CopiedBytes">Bytes in place.</param>
/// <param name="TransferredBytes">Block bytes that came from other regions, over all attempts.</param>
/// <param name="Details">What is wrong; empty when nothing is.</param>
internal sealed record ReplicaView(ReplicaRecord Record, ReplicaState State, long CopiedBytes, long TransferredBytes, string Details);

/// <summary>Where a replica stands.</summary>
internal enum ReplicaState
{
    /// <summary>Known, and no work is running.</summary>
    Waiting,

    /// <summary>Blocks are being taken over.</summary>
    Copying,

    /// <summary>The disks are being checked.</summary>
    Verifying,

    /// <summary>Complete.</summary>
    Ready,

    /// <summary>The last attempt failed.</summary>
    Failed,

    /// <summary>It was complete, and is damaged or out of reach.</summary>
    Damaged,
}
