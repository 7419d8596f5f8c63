using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Gallery.Replication.Tests;

public sealed class SnapshotTests(SharedHouse shared) : IClassFixture<SharedHouse>
{
    private readonly House _house = shared.House;

    [Fact]
    public async Task A_snapshot_is_created_with_a_grant_for_its_node_and_committed_once()
    {
        var created = await CreateAsync("disk1", "West US", tags: ("team", "core"));
        Assert.Equal(
            ("westus", SnapshotState.Uploading, 4096),
            (created.Snapshot.Region, created.Snapshot.State, created.Snapshot.FileSizeBytes)
        );
        Assert.Equal((_house["westus"].Url, created.Snapshot.Uid), (created.Grant.GrpcUrl, created.Grant.UploadId));
        var token = new JsonWebToken(created.Grant.Token);
        Assert.Equal((GrantClaims.Issuer, "ES256"), (token.Issuer, token.Alg));
        Assert.Equal("region:westus", Assert.Single(token.Audiences));
        Assert.Equal(
            (GrantClaims.Upload, created.Snapshot.Uid),
            (token.GetClaim(GrantClaims.Operation).Value, token.GetClaim(GrantClaims.Resource).Value)
        );
        Assert.Equal(created.Grant.ExpireTime.ToDateTime(), token.ValidTo);

        var committed = await CommitAsync("disk1");
        Assert.Equal((SnapshotState.Ready, DiskFormat.Raw, House.Digest), (committed.State, committed.Format, committed.Content.Digest));
        Assert.Equal("core", committed.Tags["team"]);
        Assert.Null(committed.ExpireTime);
        Assert.Equal(committed, await CommitAsync("disk1"));
        Assert.Equal(committed, await GetAsync("disk1"));
        var told = Assert.Single(await _house.EventsAsync(NameOf("disk1"))).SnapshotChanged;
        Assert.Equal((ChangeType.Created, "westus", House.Digest), (told.Change, told.Region, told.Content.Digest));
    }

    [Fact]
    public async Task Creating_it_again_goes_on_with_the_same_upload_and_nothing_else()
    {
        var first = await CreateAsync("again", "westus");
        _house.Time.Advance(TimeSpan.FromMinutes(1));
        var second = await CreateAsync("AGAIN", "westus");
        Assert.Equal(first.Snapshot.Uid, second.Snapshot.Uid);
        Assert.Equal("again", second.Snapshot.Name.Split('/')[^1]);
        Assert.True(second.Snapshot.ExpireTime.ToDateTime() > first.Snapshot.ExpireTime.ToDateTime());
        await Refused.WithAsync(() => CreateAsync("again", "eastus"), StatusCode.AlreadyExists, ErrorReason.ResourceAlreadyExists);
        await Refused.WithAsync(
            () => CreateAsync("again", "westus", size: 8192),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
        await CommitAsync("again");
        await Refused.WithAsync(() => CreateAsync("again", "westus"), StatusCode.AlreadyExists, ErrorReason.ResourceAlreadyExists);
    }

    [Theory]
    [InlineData(ErrorReason.InvalidDiskFormat)]
    [InlineData(ErrorReason.GallerySourceResourceExceedsMaxSize)]
    public async Task A_file_that_is_no_disk_leaves_nothing_behind(ErrorReason reason)
    {
        var id = "bad-" + reason;
        var created = await CreateAsync(id, "northeurope");
        _house["northeurope"].OnCommit = _ =>
            throw GalleryError.Create(StatusCode.InvalidArgument, reason, "No footer was found at the end.");
        var refused = await Refused.WithAsync(() => CommitAsync(id), StatusCode.InvalidArgument, reason);
        Assert.Contains("No footer", refused.Message, StringComparison.Ordinal);
        await Refused.WithAsync(() => GetAsync(id), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        await Eventually.Async(() => _house["northeurope"].DroppedUploads.Contains(created.Snapshot.Uid), what: "the upload to be freed");
        Assert.Empty(_house.Keys(id.ToLowerInvariant()));
        Assert.DoesNotContain((await ListAsync()).Snapshots, snapshot => snapshot.Name == NameOf(id));
    }

    [Fact]
    public async Task A_disk_that_turns_out_too_large_is_dropped()
    {
        var created = await CreateAsync("huge", "northeurope");
        _house["northeurope"].OnCommit = upload => ScriptedNode.Committed(upload, House.Digest, (1L << 40) + 512, 1);
        await Refused.WithAsync(() => CommitAsync("huge"), StatusCode.InvalidArgument, ErrorReason.GallerySourceResourceExceedsMaxSize);
        await Refused.WithAsync(() => GetAsync("huge"), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        await Eventually.Async(() => _house["northeurope"].DroppedUploads.Contains(created.Snapshot.Uid));
    }

    [Fact]
    public async Task An_incomplete_upload_stays_to_be_completed()
    {
        await CreateAsync("partial", "eastus");
        _house["eastus"].OnCommit = _ =>
            throw GalleryError.Create(
                StatusCode.FailedPrecondition,
                ErrorReason.UploadIncomplete,
                "3 blocks are missing.",
                new Dictionary<string, string> { ["missing_blocks"] = "3" }
            );
        var refused = await Refused.WithAsync(() => CommitAsync("partial"), StatusCode.FailedPrecondition, ErrorReason.UploadIncomplete);
        Assert.Equal("3", refused.Metadata["missing_blocks"]);
        _house["eastus"].OnCommit = _ => throw GalleryError.NotFound("upload", "x");
        await Refused.WithAsync(() => CommitAsync("partial"), StatusCode.FailedPrecondition, ErrorReason.UploadIncomplete);
        _house["eastus"].OnCommit = _ => throw new RpcException(new Grpc.Core.Status(StatusCode.Internal, "a defect"));
        await Refused.WithAsync(() => CommitAsync("partial"), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
        Assert.Equal(SnapshotState.Uploading, (await GetAsync("partial")).State);
        _house["eastus"].OnCommit = upload => ScriptedNode.Committed(upload, House.Digest, 4096, 4096);
        Assert.Equal(SnapshotState.Ready, (await CommitAsync("partial")).State);
    }

    [Fact]
    public async Task A_deleted_snapshot_is_gone_and_its_bytes_are_freed()
    {
        var snapshot = await _house.SnapshotAsync("to-delete", "westus");
        await Refused.WithAsync(
            () => _house.Snapshots.DeleteSnapshotAsync(new DeleteSnapshotRequest { Name = snapshot.Name, Etag = "other" }),
            StatusCode.Aborted,
            ErrorReason.EtagMismatch
        );
        await _house.Snapshots.DeleteSnapshotAsync(new DeleteSnapshotRequest { Name = snapshot.Name, Etag = snapshot.Etag });
        await _house.Snapshots.DeleteSnapshotAsync(new DeleteSnapshotRequest { Name = snapshot.Name });
        await Refused.WithAsync(() => GetAsync("to-delete"), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        await Eventually.Async(() => _house["westus"].DroppedUploads.Contains(snapshot.Uid));
        Assert.Equal(
            [ChangeType.Created, ChangeType.Deleted],
            (await _house.EventsAsync(snapshot.Name)).Select(told => told.SnapshotChanged.Change)
        );
    }

    [Fact]
    public async Task Snapshots_are_listed_by_group_and_by_subscription_in_pages()
    {
        var group = $"subscriptions/{House.Subscription}/resourceGroups/pages";
        foreach (var number in Enumerable.Range(1, 5))
        {
            await CreateAsync($"s{number}", "westus", group: group);
        }

        var first = await ListAsync(group, 2);
        var second = await ListAsync(group, 2, first.NextPageToken);
        var third = await ListAsync(group, 2, second.NextPageToken);
        Assert.Equal(
            ["s1", "s2", "s3", "s4", "s5"],
            first.Snapshots.Concat(second.Snapshots).Concat(third.Snapshots).Select(snapshot => snapshot.Name.Split('/')[^1])
        );
        Assert.Empty(third.NextPageToken);
        Assert.Contains(
            (await ListAsync($"subscriptions/{House.Subscription}", 1000)).Snapshots,
            snapshot => snapshot.Name == $"{group}/snapshots/s3"
        );
        await Refused.WithAsync(
            () => ListAsync(group + "2", 2, first.NextPageToken),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(() => ListAsync(group, -1), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
    }

    [Theory]
    [InlineData("", "s", "westus", 4096, "parent")]
    [InlineData("subscriptions/x/resourceGroups/rg", "s", "westus", 4096, "parent")]
    [InlineData(House.Group, "", "westus", 4096, "snapshot_id")]
    [InlineData(House.Group, "-s", "westus", 4096, "snapshot_id")]
    [InlineData(House.Group, "a/b", "westus", 4096, "snapshot_id")]
    [InlineData(House.Group, "s", "", 4096, "region")]
    [InlineData(House.Group, "s", "westus", 0, "file_size_bytes")]
    [InlineData(House.Group, "s", "westus", -5, "file_size_bytes")]
    public async Task Bad_values_are_named(string parent, string id, string region, long size, string field)
    {
        var request = new CreateSnapshotRequest
        {
            Parent = parent,
            SnapshotId = id,
            Region = region,
            FileSizeBytes = size,
        };
        var refused = await Refused.WithAsync(
            () => _house.Snapshots.CreateSnapshotAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains(field, refused.Fields);
    }

    [Fact]
    public async Task Other_refusals_are_typed_and_leave_nothing_behind()
    {
        var unknown = await Refused.WithAsync(
            () => CreateAsync("refused", "moonbase"),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        Assert.Contains("northeurope", unknown.Message, StringComparison.Ordinal);
        await Refused.WithAsync(
            () => CreateAsync("refused", "australiacentral"),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        await Refused.WithAsync(
            () => CreateAsync("refused", "westus", size: 1000, format: DiskFormat.Raw),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidDiskFormat
        );
        await Refused.WithAsync(
            () => CreateAsync("refused", "westus", size: 2L << 40),
            StatusCode.InvalidArgument,
            ErrorReason.GallerySourceResourceExceedsMaxSize
        );
        await Refused.WithAsync(
            () => CreateAsync("refused", "westus", size: 2L << 40, format: DiskFormat.Qcow2),
            StatusCode.InvalidArgument,
            ErrorReason.GallerySourceResourceExceedsMaxSize
        );
        await Refused.WithAsync(
            () => CreateAsync("refused", "westus", format: (DiskFormat)99),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        var tags = Enumerable.Range(0, 51).Select(number => (number.ToString(CultureInfo.InvariantCulture), "x")).ToArray();
        await Refused.WithAsync(
            () => CreateAsync("refused", "westus", tags: tags),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => CreateAsync("refused", "westus", tags: (new string('k', 513), "x")),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        var request = new CreateSnapshotRequest
        {
            Parent = House.Group,
            SnapshotId = "refused",
            Region = "westus",
            FileSizeBytes = 4096,
        };
        var reader = new SnapshotService.SnapshotServiceClient(_house.Host.ChannelAs(TestPrincipal.Reader));
        var denied = await Refused.WithAsync(
            () => reader.CreateSnapshotAsync(request),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Equal("Microsoft.Compute/snapshots/write", denied.Metadata["action"]);
        var stranger = new SnapshotService.SnapshotServiceClient(_house.Host.ChannelAs(TestPrincipal.OtherOwner));
        await Refused.WithAsync(
            () => stranger.GetSnapshotAsync(new GetSnapshotRequest { Name = NameOf("refused") }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var nobody = new SnapshotService.SnapshotServiceClient(_house.Host.AnonymousChannel());
        await Refused.WithAsync(() => nobody.CreateSnapshotAsync(request), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed);

        await Refused.WithAsync(() => CommitAsync("refused"), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        Assert.Empty(_house.Keys("refused"));
    }

    [Fact]
    public async Task Catalog_may_look_at_any_snapshot_and_nothing_more()
    {
        var snapshot = await _house.SnapshotAsync("for-catalog", "westus");
        var catalog = new SnapshotService.SnapshotServiceClient(_house.Host.ChannelAsService("catalog"));
        Assert.Equal(snapshot, (await catalog.GetSnapshotAsync(new GetSnapshotRequest { Name = snapshot.Name })).Snapshot);
        await Refused.WithAsync(
            () => catalog.DeleteSnapshotAsync(new DeleteSnapshotRequest { Name = snapshot.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    private static string NameOf(string id) => $"{House.Group}/snapshots/{id}";

    private async Task<CreateSnapshotResponse> CreateAsync(
        string id,
        string region,
        long size = 4096,
        DiskFormat format = DiskFormat.Unspecified,
        string group = House.Group,
        params (string Key, string Value)[] tags
    )
    {
        var request = new CreateSnapshotRequest
        {
            Parent = group,
            SnapshotId = id,
            Region = region,
            FileSizeBytes = size,
            Format = format,
        };
        foreach (var (key, value) in tags)
        {
            request.Tags.Add(key, value);
        }

        return await _house.Snapshots.CreateSnapshotAsync(request);
    }

    private async Task<Snapshot> CommitAsync(string id) =>
        (await _house.Snapshots.CommitSnapshotAsync(new CommitSnapshotRequest { Name = NameOf(id) })).Snapshot;

    private async Task<Snapshot> GetAsync(string id) =>
        (await _house.Snapshots.GetSnapshotAsync(new GetSnapshotRequest { Name = NameOf(id) })).Snapshot;

    private async Task<ListSnapshotsResponse> ListAsync(string parent = House.Group, int size = 1000, string token = "") =>
        await _house.Snapshots.ListSnapshotsAsync(
            new ListSnapshotsRequest
            {
                Parent = parent,
                PageSize = size,
                PageToken = token,
            }
        );
}

/// <summary>Apart, because they move the clock far.</summary>
public sealed class SnapshotExpiryTests
{
    [Fact]
    public async Task An_upload_that_nobody_commits_is_dropped_even_if_its_region_is_away_then()
    {
        await using var house = await House.StartAsync(("Snapshots:ReleaseRetryDelay", "00:00:01"));
        var created = await house.Snapshots.CreateSnapshotAsync(
            new CreateSnapshotRequest
            {
                Parent = House.Group,
                SnapshotId = "left",
                Region = "eastus",
                FileSizeBytes = 4096,
            }
        );
        await house.TakeDownAsync("eastus");
        await Refused.WithAsync(
            () =>
                house.Snapshots.CreateSnapshotAsync(
                    new CreateSnapshotRequest
                    {
                        Parent = House.Group,
                        SnapshotId = "other",
                        Region = "eastus",
                        FileSizeBytes = 4096,
                    }
                ),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        house.Time.Advance(TimeSpan.FromHours(25));
        await Eventually.Async(() => house.Keys("left").Count == 0, what: "the record to be dropped");
        await house.BringBackAsync("eastus");
        await Eventually.Async(
            () =>
            {
                house.Time.Advance(TimeSpan.FromSeconds(1));
                return house["eastus"].DroppedUploads.Contains(created.Snapshot.Uid);
            },
            what: "the bytes to be freed"
        );
    }
}
