using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.Cli.Tests.Harness;

/// <summary>As much of Replication as commands need. Snapshots go to the node in memory; statuses and leases follow a script.</summary>
internal sealed class ScriptedReplication
{
    private readonly string nodeUrl;
    private readonly FakeUploads uploads;
    private readonly FakeContent content;
    private int grants;

    public ScriptedReplication(string nodeUrl, FakeUploads uploads, FakeContent content)
    {
        (this.nodeUrl, this.uploads, this.content) = (nodeUrl, uploads, content);
        Services = [new SnapshotsPart(this), new StatusPart(this), new PlacementPart(this), new ScalingPart(this), new RegionsPart(this)];
    }

    public object[] Services { get; }

    public ConcurrentDictionary<string, Snapshot> Snapshots { get; } = new(StringComparer.OrdinalIgnoreCase);

    public ConcurrentQueue<object> Requests { get; } = new();

    /// <summary>What an import shows, one state a look; the last one stays.</summary>
    public Queue<Action<Snapshot>> ImportSteps { get; } = new();

    public Action<object> Refuse { get; set; } = _ => { };

    /// <summary>How long grants last.</summary>
    public TimeSpan GrantLifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What watching a version shows, one after the other; then the stream stays open.</summary>
    public List<ReplicationStatus> Statuses { get; } = [];

    /// <summary>So many watches find no version yet.</summary>
    public int UnknownAtFirst { get; set; }

    public int Released { get; private set; }

    public int Renewed { get; private set; }

    public static ReplicationStatus Status(params (string Region, RegionalReplicationState State, int Progress, string Details)[] rows)
    {
        var status = new ReplicationStatus { Generation = 1, VersionUid = "11111111-0000-0000-0000-000000000000" };
        status.Summary.AddRange(
            rows.Select(row => new RegionalReplicationStatus
            {
                Region = row.Region,
                State = row.State,
                Progress = row.Progress,
                Details = row.Details,
                TargetReplicaCount = 2,
                ReadyReplicaCount = row.Progress == 100 ? 2 : 0,
                TotalBytes = 2 << 20,
                CopiedBytes = (2 << 20) * row.Progress / 100,
            })
        );
        return status;
    }

    private void Take(object request)
    {
        Requests.Enqueue(request);
        Refuse(request);
    }

    private Snapshot BeginImport(string name, string region, string uri) =>
        Snapshots[name] = new Snapshot
        {
            Name = name,
            Region = region,
            Uid = "import-1",
            State = SnapshotState.Importing,
            Import = new SnapshotImport { Uri = uri.Split('?')[0] },
        };

    private void StepImport(string name)
    {
        if (Snapshots.TryGetValue(name, out var snapshot) && ImportSteps.TryDequeue(out var step))
        {
            var next = snapshot.Clone();
            step(next);
            Snapshots[name] = next;
        }
    }

    private string NewToken() => $"grant-{Interlocked.Increment(ref grants)}";

    private sealed class SnapshotsPart(ScriptedReplication replication) : SnapshotService.SnapshotServiceBase
    {
        public override Task<CreateSnapshotResponse> CreateSnapshot(CreateSnapshotRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var name = $"{request.Parent}/snapshots/{request.SnapshotId}";
            if (request.ImportSource is { } source)
            {
                return Task.FromResult(new CreateSnapshotResponse { Snapshot = replication.BeginImport(name, request.Region, source.Uri) });
            }

            var snapshot = replication.Snapshots.GetOrAdd(
                name,
                _ => new Snapshot
                {
                    Name = name,
                    Region = request.Region,
                    Uid = "upload-1",
                    State = SnapshotState.Uploading,
                    ExpireTime = Timestamp.FromDateTime(new DateTime(2026, 12, 1, 0, 0, 0, DateTimeKind.Utc)),
                }
            );
            if (snapshot.State == SnapshotState.Ready)
            {
                throw GalleryError.AlreadyExists("snapshot", name);
            }

            replication.uploads.Token = replication.NewToken();
            return Task.FromResult(
                new CreateSnapshotResponse
                {
                    Snapshot = snapshot,
                    Grant = new UploadGrant
                    {
                        GrpcUrl = replication.nodeUrl,
                        UploadId = snapshot.Uid,
                        Token = replication.uploads.Token,
                        ExpireTime = Timestamp.FromDateTime(DateTime.UtcNow + replication.GrantLifetime),
                    },
                }
            );
        }

        public override Task<CommitSnapshotResponse> CommitSnapshot(CommitSnapshotRequest request, ServerCallContext context)
        {
            replication.Take(request);
            if (!replication.uploads.IsComplete)
            {
                throw GalleryError.Create(StatusCode.FailedPrecondition, ErrorReason.UploadIncomplete, "Blocks are lacking.");
            }

            var snapshot = replication.Snapshots[request.Name].Clone();
            snapshot.State = SnapshotState.Ready;
            snapshot.Content = new ContentDescriptor
            {
                Digest = "sha256:abc",
                VirtualSizeBytes = replication.uploads.FileSize,
                OccupiedSizeBytes = replication.uploads.OccupiedBytes,
            };
            snapshot.ReceivedBytes = replication.uploads.Received;
            replication.Snapshots[request.Name] = snapshot;
            return Task.FromResult(new CommitSnapshotResponse { Snapshot = snapshot });
        }

        public override Task<DeleteSnapshotResponse> DeleteSnapshot(DeleteSnapshotRequest request, ServerCallContext context)
        {
            replication.Take(request);
            replication.Snapshots.TryRemove(request.Name, out _);
            return Task.FromResult(new DeleteSnapshotResponse());
        }

        public override Task<GetSnapshotResponse> GetSnapshot(GetSnapshotRequest request, ServerCallContext context)
        {
            replication.Take(request);
            replication.StepImport(request.Name);
            return replication.Snapshots.TryGetValue(request.Name, out var snapshot)
                ? Task.FromResult(new GetSnapshotResponse { Snapshot = snapshot })
                : throw GalleryError.NotFound("snapshot", request.Name);
        }

        public override Task<ListSnapshotsResponse> ListSnapshots(ListSnapshotsRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var answer = new ListSnapshotsResponse();
            answer.Snapshots.AddRange(replication.Snapshots.Values);
            return Task.FromResult(answer);
        }
    }

    private sealed class StatusPart(ScriptedReplication replication) : ReplicationService.ReplicationServiceBase
    {
        public override Task<GetReplicationStatusResponse> GetReplicationStatus(
            GetReplicationStatusRequest request,
            ServerCallContext context
        )
        {
            replication.Take(request);
            return Task.FromResult(new GetReplicationStatusResponse { Status = replication.Statuses[^1] });
        }

        public override Task<ListReplicasResponse> ListReplicas(ListReplicasRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var replica = new Replica
            {
                Name = $"{request.Parent}/replicas/eastus-0",
                Region = "eastus",
                State = Contracts.Events.V1.ReplicaState.Queued,
                StorageAccountType = StorageAccountType.StandardZrs,
                LastVerifiedTime = Timestamp.FromDateTime(new DateTime(2026, 3, 4, 5, 6, 7, DateTimeKind.Utc)),
                Details = "eastus has lost it",
            };
            return Task.FromResult(new ListReplicasResponse { Replicas = { replica } });
        }

        public override Task<CancelReplicationResponse> CancelReplication(CancelReplicationRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(new CancelReplicationResponse { Status = replication.Statuses[^1] });
        }

        public override Task<RetryRegionResponse> RetryRegion(RetryRegionRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(new RetryRegionResponse { Status = replication.Statuses[^1] });
        }

        public override async Task WatchReplicas(
            WatchReplicasRequest request,
            IServerStreamWriter<WatchReplicasResponse> responseStream,
            ServerCallContext context
        )
        {
            replication.Take(request);
            await responseStream.WriteAsync(new WatchReplicasResponse { Replicas = { Replica(request.Parent) }, ResumeToken = "goon" });
            if (request.Regions.Contains("mars"))
            {
                throw GalleryError.Create(StatusCode.FailedPrecondition, ErrorReason.ReplicationEnded, "mars was cancelled.");
            }

            await responseStream.WriteAsync(
                new WatchReplicasResponse
                {
                    RemovedUids = { "u.westus.1.1" },
                    ResumeToken = "goon2",
                    Fulfilled = true,
                }
            );
        }

        private static Replica Replica(string version) =>
            new()
            {
                Name = $"{version}/replicas/eastus-0",
                Uid = "u.eastus.0.1",
                Region = "eastus",
                State = Contracts.Events.V1.ReplicaState.Copying,
                StorageAccountType = StorageAccountType.StandardZrs,
                CopiedBytes = 3 << 20,
                TotalBytes = 9 << 20,
                BytesPerSecond = 1 << 20,
                TimeLeft = Duration.FromTimeSpan(TimeSpan.FromSeconds(6)),
                SourceRegion = "westus",
            };

        public override async Task WatchReplicationStatus(
            WatchReplicationStatusRequest request,
            IServerStreamWriter<WatchReplicationStatusResponse> responseStream,
            ServerCallContext context
        )
        {
            replication.Take(request);
            if (replication.UnknownAtFirst-- > 0)
            {
                throw GalleryError.NotFound("image version", request.Version);
            }

            foreach (var status in replication.Statuses)
            {
                await responseStream.WriteAsync(new WatchReplicationStatusResponse { Status = status });
            }

            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }
    }

    private sealed class PlacementPart(ScriptedReplication replication) : PlacementService.PlacementServiceBase
    {
        public override Task<PlaceDeploymentResponse> PlaceDeployment(PlaceDeploymentRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var version = request.Image.Contains("/versions/", StringComparison.Ordinal)
                ? request.Image
                : $"{request.Image}/versions/1.0.0";
            return Task.FromResult(
                new PlaceDeploymentResponse
                {
                    Version = version,
                    Leases = { Lease(version, request.MachineCount) },
                    Spread = { Load(version, 0, 1, 1 + request.MachineCount), Load(version, 1, 5, 5) },
                }
            );
        }

        private static ReplicaLoad Load(string version, int ordinal, int before, int after) =>
            new()
            {
                Replica = $"{version}/replicas/eastus-{ordinal}",
                MachinesBefore = before,
                MachinesAfter = after,
                MachineCapacity = 20,
            };

        public override Task<AdvisePlacementResponse> AdvisePlacement(AdvisePlacementRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(
                new AdvisePlacementResponse
                {
                    Version = $"{request.Image}/versions/1.0.0",
                    ReplicasNeeded = 5,
                    ReplicasNeededNow = 6,
                    ReadyReplicaCount = 2,
                    FreeMachineCount = 33,
                    LeasedMachineCount = 7,
                    MachinesPerReplica = 20,
                }
            );
        }

        public override Task<GetLeaseResponse> GetLease(GetLeaseRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(new GetLeaseResponse { Lease = Lease("v", 1) });
        }

        public override Task<ListLeasesResponse> ListLeases(ListLeasesRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(new ListLeasesResponse { Leases = { Lease(request.Version, 1) } });
        }

        public override Task<RenewLeaseResponse> RenewLease(RenewLeaseRequest request, ServerCallContext context)
        {
            replication.Take(request);
            replication.Renewed++;
            return Task.FromResult(new RenewLeaseResponse { Lease = Lease("v", 1) });
        }

        public override Task<ReleaseLeaseResponse> ReleaseLease(ReleaseLeaseRequest request, ServerCallContext context)
        {
            replication.Take(request);
            replication.Released++;
            return Task.FromResult(new ReleaseLeaseResponse());
        }

        private Lease Lease(string version, int machines)
        {
            replication.content.Token = replication.NewToken();
            return new Lease
            {
                Name = $"subscriptions/{House.Subscription}/leases/l1",
                Version = version,
                Replica = $"{version}/replicas/eastus-0",
                ReplicaId = "replica-1",
                Region = "eastus",
                MachineCount = machines,
                GrpcUrl = replication.nodeUrl,
                HttpUrl = "http://127.0.0.1:1",
                Token = replication.content.Token,
                ExpireTime = Timestamp.FromDateTime(DateTime.UtcNow + replication.GrantLifetime),
                Disks =
                {
                    new DiskContent
                    {
                        Slot = new DiskSlot { OsDisk = true },
                        Content = new ContentDescriptor
                        {
                            Digest = "sha256:abc",
                            VirtualSizeBytes = replication.content.Disk.Length,
                            OccupiedSizeBytes = 3 << 16,
                        },
                    },
                },
            };
        }
    }

    private sealed class ScalingPart(ScriptedReplication replication) : ReplicaScalingService.ReplicaScalingServiceBase
    {
        private ReplicaScaling? scaling;

        public override Task<SetReplicaScalingResponse> SetReplicaScaling(SetReplicaScalingRequest request, ServerCallContext context)
        {
            replication.Take(request);
            scaling = request.Scaling.Clone();
            scaling.ReplicaCount = scaling.MinReplicaCount;
            return Task.FromResult(new SetReplicaScalingResponse { Scaling = scaling });
        }

        public override Task<ListReplicaScalingsResponse> ListReplicaScalings(ListReplicaScalingsRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var answer = new ListReplicaScalingsResponse();
            answer.Scalings.AddRange(scaling is null ? [] : [scaling]);
            return Task.FromResult(answer);
        }

        public override Task<DeleteReplicaScalingResponse> DeleteReplicaScaling(
            DeleteReplicaScalingRequest request,
            ServerCallContext context
        )
        {
            replication.Take(request);
            scaling = null;
            return Task.FromResult(new DeleteReplicaScalingResponse());
        }
    }

    private sealed class RegionsPart(ScriptedReplication replication) : RegionService.RegionServiceBase
    {
        public override Task<ListRegionsResponse> ListRegions(ListRegionsRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(
                new ListRegionsResponse
                {
                    Regions =
                    {
                        new Region
                        {
                            Name = "eastus",
                            DisplayName = "East US",
                            ZoneCount = 3,
                            State = RegionState.Up,
                            Availability = RegionAvailability.Available,
                        },
                        new Region
                        {
                            Name = "australiacentral",
                            DisplayName = "Australia Central",
                            ZoneCount = 1,
                            Restricted = true,
                            State = RegionState.Down,
                            Details = "no answer for 9 s",
                            Availability = RegionAvailability.Restricted,
                        },
                    },
                }
            );
        }

        public override Task<GetRegionResponse> GetRegion(GetRegionRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(new GetRegionResponse { Region = Detailed(request.Name) });
        }

        public override Task<ListRegionLinksResponse> ListRegionLinks(ListRegionLinksRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(
                new ListRegionLinksResponse
                {
                    Links =
                    {
                        new RegionLink
                        {
                            SourceRegion = "westus",
                            TargetRegion = request.Region,
                            Reachable = true,
                            RoundTripMicros = 1234,
                            BytesPerSecond = 3 << 20,
                        },
                        new RegionLink { SourceRegion = request.Region, TargetRegion = "westus" },
                        new RegionLink
                        {
                            SourceRegion = "northeurope",
                            TargetRegion = request.Region,
                            Details = "no answer in time",
                        },
                    },
                }
            );
        }

        public override Task<DrainRegionResponse> DrainRegion(DrainRegionRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var region = Detailed(request.Name);
            (region.State, region.Details) = (RegionState.Draining, $"being drained: {request.Reason}");
            return Task.FromResult(new DrainRegionResponse { Region = region });
        }

        public override Task<UndrainRegionResponse> UndrainRegion(UndrainRegionRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(new UndrainRegionResponse { Region = Detailed(request.Name) });
        }

        public override Task<RequestRegionAccessResponse> RequestRegionAccess(RequestRegionAccessRequest request, ServerCallContext context)
        {
            replication.Take(request);
            return Task.FromResult(
                new RequestRegionAccessResponse { Request = Access($"{request.Parent}/regionAccessRequests/{request.Region}") }
            );
        }

        public override Task<ListRegionAccessRequestsResponse> ListRegionAccessRequests(
            ListRegionAccessRequestsRequest request,
            ServerCallContext context
        )
        {
            replication.Take(request);
            var answer = new ListRegionAccessRequestsResponse { NextPageToken = request.PageToken.Length == 0 ? "more" : "" };
            answer.Requests.Add(Access($"subscriptions/{House.Subscription}/regionAccessRequests/r{request.PageToken}"));
            return Task.FromResult(answer);
        }

        public override Task<ReviewRegionAccessResponse> ReviewRegionAccess(ReviewRegionAccessRequest request, ServerCallContext context)
        {
            replication.Take(request);
            var reviewed = Access(request.Name);
            (reviewed.State, reviewed.ReviewReason, reviewed.ExpireTime) = (request.Decision, request.Reason, request.ExpireTime);
            return Task.FromResult(new ReviewRegionAccessResponse { Request = reviewed });
        }

        private static RegionAccessRequest Access(string name) =>
            new()
            {
                Name = name,
                Region = name.Split('/')[^1],
                State = RegionAccessState.Pending,
            };

        private static Region Detailed(string name) =>
            new()
            {
                Name = name,
                ZoneCount = 1,
                State = RegionState.Up,
                Zones =
                {
                    new RegionZone
                    {
                        Number = 1,
                        Healthy = true,
                        AvailableBytes = 5 << 20,
                    },
                },
            };
    }
}
