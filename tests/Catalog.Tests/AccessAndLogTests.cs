using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class AccessAndLogTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task Without_a_token_nothing_is_answered()
    {
        var client = new GalleryService.GalleryServiceClient(fixture.Host.AnonymousChannel());
        await Refused.WithAsync(
            () => client.CreateGalleryAsync(_here.NewGallery()),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
        await Refused.WithAsync(
            () => new LockService.LockServiceClient(fixture.Host.ChannelWithToken("nonsense")).GetLockAsync(new GetLockRequest()),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
        Assert.Empty(_here.Keys());
    }

    [Fact]
    public async Task In_someone_elses_subscription_nothing_is_allowed_and_nothing_told()
    {
        var version = await _here.CreateReadyVersionAsync();
        var stranger = _here.As(TestPrincipal.OtherOwner);
        var before = (_here.Keys(), (await _here.ActivityAsync()).Count);
        var definition = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        var gallery = definition[..definition.IndexOf("/images", StringComparison.Ordinal)];
        var calls = new (string Action, Func<Task> Call)[]
        {
            ("galleries/read", () => stranger.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = gallery }).ResponseAsync),
            (
                "galleries/read",
                () => stranger.Galleries.ListGalleriesAsync(new ListGalleriesRequest { Parent = _here.Group }).ResponseAsync
            ),
            ("galleries/write", () => stranger.Galleries.CreateGalleryAsync(_here.NewGallery("other")).ResponseAsync),
            (
                "galleries/write",
                () =>
                    stranger
                        .Galleries.UpdateGalleryAsync(new UpdateGalleryRequest { Gallery = new V1.Gallery { Name = gallery } })
                        .ResponseAsync
            ),
            ("galleries/delete", () => stranger.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery }).ResponseAsync),
            (
                "galleries/images/read",
                () => stranger.Definitions.GetImageDefinitionAsync(new GetImageDefinitionRequest { Name = definition }).ResponseAsync
            ),
            (
                "galleries/images/read",
                () => stranger.Definitions.ListImageDefinitionsAsync(new ListImageDefinitionsRequest { Parent = gallery }).ResponseAsync
            ),
            (
                "galleries/images/write",
                () => stranger.Definitions.CreateImageDefinitionAsync(Scenario.NewDefinition(gallery, "other")).ResponseAsync
            ),
            (
                "galleries/images/write",
                () =>
                    stranger
                        .Definitions.UpdateImageDefinitionAsync(
                            new UpdateImageDefinitionRequest { ImageDefinition = new ImageDefinition { Name = definition } }
                        )
                        .ResponseAsync
            ),
            (
                "galleries/images/delete",
                () => stranger.Definitions.DeleteImageDefinitionAsync(new DeleteImageDefinitionRequest { Name = definition }).ResponseAsync
            ),
            (
                "galleries/images/versions/read",
                () => stranger.Versions.GetImageVersionAsync(new GetImageVersionRequest { Name = version.Name }).ResponseAsync
            ),
            (
                "galleries/images/versions/read",
                () => stranger.Versions.ListImageVersionsAsync(new ListImageVersionsRequest { Parent = definition }).ResponseAsync
            ),
            (
                "galleries/images/versions/read",
                () => stranger.Versions.WatchImageVersion(new WatchImageVersionRequest { Name = version.Name }).ResponseStream.NextAsync()
            ),
            (
                "galleries/images/versions/write",
                () => stranger.Versions.CreateImageVersionAsync(_here.NewVersion(definition, "9.0.0")).ResponseAsync
            ),
            (
                "galleries/images/versions/write",
                () =>
                    stranger
                        .Versions.UpdateImageVersionAsync(
                            new UpdateImageVersionRequest { ImageVersion = new ImageVersion { Name = version.Name } }
                        )
                        .ResponseAsync
            ),
            (
                "galleries/images/versions/delete",
                () => stranger.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name }).ResponseAsync
            ),
            (
                "locations/usages/read",
                () =>
                    stranger.Quotas.ListUsagesAsync(new ListUsagesRequest { Parent = $"subscriptions/{_here.Subscription}" }).ResponseAsync
            ),
        };
        foreach (var (action, call) in calls)
        {
            var refused = await Refused.WithAsync(call, StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
            Assert.Equal($"Microsoft.Compute/{action}", refused.Metadata["action"]);
        }

        await Refused.WithAsync(
            () => stranger.Log.ListActivityLogEntriesAsync(new ListActivityLogEntriesRequest { Parent = gallery }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Equal(before.Item1, _here.Keys());
        Assert.Equal(before.Count, (await _here.ActivityAsync()).Count);
    }

    [Fact]
    public async Task A_reader_reads_and_does_not_write()
    {
        var gallery = await _here.CreateGalleryAsync();
        var reader = _here.As(TestPrincipal.Reader);
        Assert.Equal(gallery, (await reader.Galleries.GetGalleryAsync(new GetGalleryRequest { Name = gallery.Name })).Gallery);
        await Refused.WithAsync(
            () => reader.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task Services_read_everything_and_write_nothing_and_only_they_sweep()
    {
        var version = await _here.CreateReadyVersionAsync();
        var definition = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name });
        foreach (var service in new[] { "replication", "billing" })
        {
            var client = new ImageVersionService.ImageVersionServiceClient(fixture.Host.ChannelAsService(service));
            Assert.Equal(
                ProvisioningState.Deleting,
                (await client.GetImageVersionAsync(new GetImageVersionRequest { Name = version.Name })).ImageVersion.ProvisioningState
            );
            Assert.Single((await client.ListImageVersionsAsync(new ListImageVersionsRequest { Parent = definition })).ImageVersions);
            await Refused.WithAsync(
                () => client.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name }),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed
            );

            List<string> swept = [];
            for (var partition = 0; partition < 2; partition++)
            {
                var token = "";
                do
                {
                    var page = await client.ListVersionsForReconcileAsync(
                        new ListVersionsForReconcileRequest
                        {
                            Partition = partition,
                            PageSize = 7,
                            PageToken = token,
                        }
                    );
                    Assert.Equal(2, page.PartitionCount);
                    swept.AddRange(page.ImageVersions.Select(found => found.Name));
                    token = page.NextPageToken;
                } while (token.Length > 0);
            }

            Assert.Single(swept, version.Name);
            Assert.Equal(swept.Distinct(StringComparer.OrdinalIgnoreCase).Count(), swept.Count);
            await Refused.WithAsync(
                () => client.ListVersionsForReconcileAsync(new ListVersionsForReconcileRequest { Partition = 2 }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        await Refused.WithAsync(
            () => _here.Versions.ListVersionsForReconcileAsync(new ListVersionsForReconcileRequest()),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var stranger = new ImageVersionService.ImageVersionServiceClient(fixture.Host.ChannelAsService("nobody"));
        await Refused.WithAsync(
            () => stranger.GetImageVersionAsync(new GetImageVersionRequest { Name = version.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task The_log_tells_who_did_what_and_how_it_ended()
    {
        var pipeline = _here.As(TestPrincipal.Pipeline);
        var request = _here.NewGallery();
        request.RequestId = "build-77";
        var gallery = (await pipeline.Galleries.CreateGalleryAsync(request)).Gallery;
        await Assert.ThrowsAsync<RpcException>(async () => await pipeline.Galleries.CreateGalleryAsync(_here.NewGallery()));
        var version = await _here.CreateReadyVersionAsync((await _here.CreateDefinitionAsync(gallery.Name)).Name);
        var deleting = (await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name })).ImageVersion;
        await _here.RetireAsync(deleting);
        await _here.HandledAsync();

        var entries = await _here.ActivityAsync();

        Assert.Equal(
            [
                ("Microsoft.Compute/galleries/images/versions/delete", ActivityStatus.Succeeded, "OK"),
                ("Microsoft.Compute/galleries/images/versions/delete", ActivityStatus.Started, "Accepted"),
                ("Microsoft.Compute/galleries/images/versions/write", ActivityStatus.Succeeded, "OK"),
                ("Microsoft.Compute/galleries/images/versions/write", ActivityStatus.Started, "Created"),
                ("Microsoft.Compute/galleries/images/write", ActivityStatus.Succeeded, "Created"),
                ("Microsoft.Compute/galleries/write", ActivityStatus.Failed, "ResourceAlreadyExists"),
                ("Microsoft.Compute/galleries/write", ActivityStatus.Succeeded, "Created"),
            ],
            entries.Select(entry => (entry.OperationName, entry.Status, entry.SubStatus))
        );
        Assert.Equal(entries.Count, entries.Select(entry => entry.Id).Distinct().Count());
        var created = entries[^1];
        Assert.Equal(
            (TestPrincipal.Pipeline.ObjectId, PrincipalType.ServicePrincipal, "pipeline"),
            (created.Caller.ObjectId, created.Caller.Type, created.Caller.DisplayName)
        );
        Assert.Equal(
            (gallery.Name, "Microsoft.Compute/galleries", "rg1", _here.Subscription),
            (created.Resource, created.ResourceType, created.ResourceGroup, created.SubscriptionId)
        );
        Assert.Equal(
            ("build-77", "127.0.0.1", "/gallery.catalog.v1.GalleryService/CreateGallery"),
            (created.Request.ClientRequestId, created.Request.ClientIpAddress, created.Request.Method)
        );
        Assert.Equal((created.OperationName, gallery.Name), (created.Authorization.Action, created.Authorization.Scope));
        Assert.Equal(ActivityCategory.Administrative, created.Category);
        var (ended, begun) = (entries[2], entries[3]);
        Assert.Equal((begun.CorrelationId, begun.OperationId), (ended.CorrelationId, ended.OperationId));
        Assert.Equal((ActivityEventName.BeginRequest, ActivityEventName.EndRequest), (begun.EventName, ended.EventName));
        Assert.Null(ended.Request);
        Assert.Equal((ActivityLevel.Error, "AlreadyExists"), (entries[5].Level, entries[5].Properties["statusCode"]));
        Assert.NotEmpty(entries[5].Description);
    }

    [Fact]
    public async Task A_failed_replication_and_a_deletion_in_its_midst_are_logged_as_failures()
    {
        var version = await _here.CreateVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.Failed);
        await _here.SettledAsync(version.Name, ProvisioningState.Failed);
        var failed = (await _here.ActivityAsync(version.Name))[0];
        Assert.Equal(
            (ActivityStatus.Failed, "ReplicationFailed", "westus: The disk is broken."),
            (failed.Status, failed.SubStatus, failed.Description)
        );

        var parent = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        var second = await _here.CreateVersionAsync(parent, "2.0.0");
        await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = second.Name });
        Assert.Equal(
            [ActivityStatus.Started, ActivityStatus.Failed, ActivityStatus.Started],
            (await _here.ActivityAsync(second.Name)).Select(entry => entry.Status)
        );
    }

    [Fact]
    public async Task The_log_is_read_by_scope_time_action_and_status_in_pages()
    {
        var start = _here.Now;
        for (var number = 0; number < 5; number++)
        {
            await _here.CreateGalleryAsync($"g{number}");
            fixture.Host.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await Assert.ThrowsAsync<RpcException>(() => _here.CreateGalleryAsync("g0"));
        Assert.Equal(
            ["g4", "g3", "g2", "g1", "g0"],
            await ReadAsync(
                new ListActivityLogEntriesRequest
                {
                    Parent = _here.Group,
                    PageSize = 2,
                    Status = ActivityStatus.Succeeded,
                }
            )
        );
        Assert.Equal(["g3"], await ReadAsync(new ListActivityLogEntriesRequest { Parent = $"{_here.Group}/galleries/G3", PageSize = 2 }));
        Assert.Equal(["g0"], await ReadAsync(new ListActivityLogEntriesRequest { Parent = _here.Group, Status = ActivityStatus.Failed }));
        Assert.Equal(
            ["g2", "g1"],
            await ReadAsync(
                new ListActivityLogEntriesRequest
                {
                    Parent = _here.Group,
                    StartTime = Timestamp.FromDateTimeOffset(start.AddSeconds(1)),
                    EndTime = Timestamp.FromDateTimeOffset(start.AddSeconds(3)),
                    OperationName = "microsoft.compute/galleries/WRITE",
                }
            )
        );
        Assert.Empty(
            await ReadAsync(new ListActivityLogEntriesRequest { Parent = $"subscriptions/{_here.Subscription}/resourceGroups/rg" })
        );
        foreach (
            var bad in new[]
            {
                new ListActivityLogEntriesRequest { Parent = "nonsense" },
                new ListActivityLogEntriesRequest
                {
                    Parent = _here.Group,
                    StartTime = new Timestamp { Seconds = long.MinValue },
                },
                new ListActivityLogEntriesRequest
                {
                    Parent = _here.Group,
                    StartTime = _here.In(TimeSpan.Zero),
                    EndTime = _here.In(TimeSpan.Zero),
                },
                new ListActivityLogEntriesRequest { Parent = _here.Group, Status = (ActivityStatus)44 },
                new ListActivityLogEntriesRequest { Parent = _here.Group, PageToken = "nonsense" },
            }
        )
        {
            await Refused.WithAsync(
                () => _here.Log.ListActivityLogEntriesAsync(bad),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        async Task<List<string>> ReadAsync(ListActivityLogEntriesRequest request)
        {
            List<string> found = [];
            do
            {
                var page = await _here.Log.ListActivityLogEntriesAsync(request);
                found.AddRange(page.Entries.Select(entry => entry.Resource[(entry.Resource.LastIndexOf('/') + 1)..]));
                request.PageToken = page.NextPageToken;
            } while (request.PageToken.Length > 0);
            return found;
        }
    }

    [Fact]
    public async Task Refusals_for_lack_of_permission_or_of_a_valid_scope_are_not_logged()
    {
        await Refused.WithAsync(
            () => _here.As(TestPrincipal.Reader).Galleries.CreateGalleryAsync(_here.NewGallery()),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Empty(await _here.ActivityAsync());
        var bad = _here.NewGallery("a-b");
        await Assert.ThrowsAsync<RpcException>(async () => await _here.Galleries.CreateGalleryAsync(bad));
        Assert.Equal("InvalidParameter", Assert.Single(await _here.ActivityAsync()).SubStatus);
    }

    [Fact]
    public async Task What_is_not_built_yet_says_so_and_what_to_do_instead()
    {
        var calls = new (Func<Task> Call, string Hint)[]
        {
            (
                () => new LockService.LockServiceClient(_here.Channel).CreateLockAsync(new CreateLockRequest()).ResponseAsync,
                "safety profile"
            ),
            (
                () =>
                    new ApplicationService.ApplicationServiceClient(_here.Channel)
                        .ListApplicationsAsync(new ListApplicationsRequest())
                        .ResponseAsync,
                "image version"
            ),
            (
                () =>
                    new ApplicationVersionService.ApplicationVersionServiceClient(_here.Channel)
                        .WatchApplicationVersion(new WatchApplicationVersionRequest())
                        .ResponseStream.NextAsync(),
                "image version"
            ),
            (
                () =>
                    new SoftDeletedVersionService.SoftDeletedVersionServiceClient(_here.Channel)
                        .RestoreSoftDeletedVersionAsync(new RestoreSoftDeletedVersionRequest())
                        .ResponseAsync,
                "again"
            ),
            (() => new ScriptService.ScriptServiceClient(_here.Channel).GetScriptAsync(new GetScriptRequest()).ResponseAsync, "image"),
            (
                () =>
                    new ScriptVersionService.ScriptVersionServiceClient(_here.Channel)
                        .GetScriptVersionAsync(new GetScriptVersionRequest())
                        .ResponseAsync,
                "image"
            ),
            (
                () =>
                    new InVmAccessControlProfileService.InVmAccessControlProfileServiceClient(_here.Channel)
                        .GetInVmAccessControlProfileAsync(new GetInVmAccessControlProfileRequest())
                        .ResponseAsync,
                "image"
            ),
            (
                () =>
                    new InVmAccessControlProfileVersionService.InVmAccessControlProfileVersionServiceClient(_here.Channel)
                        .GetInVmAccessControlProfileVersionAsync(new GetInVmAccessControlProfileVersionRequest())
                        .ResponseAsync,
                "image"
            ),
            (() => _here.Log.RecordActivityAsync(new RecordActivityRequest()).ResponseAsync, "Catalog"),
        };
        foreach (var (call, hint) in calls)
        {
            var refused = await Refused.WithAsync(call, StatusCode.Unimplemented, ErrorReason.NotSupportedYet);
            Assert.Contains(hint, refused.Message, StringComparison.Ordinal);
        }
    }
}
