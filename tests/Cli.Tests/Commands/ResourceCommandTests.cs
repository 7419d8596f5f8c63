using Gallery.Cli.Tests.Harness;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using OperatingSystem = Gallery.Contracts.Common.V1.OperatingSystem;

namespace Gallery.Cli.Tests.Commands;

public sealed class ResourceCommandTests : IAsyncLifetime
{
    private const string Group = $"subscriptions/{House.Subscription}/resourceGroups/rg1";

    private House house = null!;

    public async Task InitializeAsync() => house = await House.StartAsync();

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task Gallery_create_as_the_tour_writes_it()
    {
        var result = (
            await house.RunAsync("gallery", "create", "prod", "--group", "rg1", "--location", "westus", "--tag", "team=images")
        ).Succeeded();
        var request = house.Catalog.Only<CreateGalleryRequest>();
        Assert.Equal((Group, "prod", "westus"), (request.Parent, request.GalleryId, request.Gallery.Location));
        Assert.Equal("images", request.Gallery.Tags["team"]);
        Assert.NotEmpty(request.RequestId);
        Assert.Contains($"{Group}/galleries/prod", result.Out, StringComparison.Ordinal);
        Assert.Contains("succeeded", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gallery_list_reads_all_pages_and_is_an_array_in_json()
    {
        foreach (var name in new[] { "a", "b", "c", "d", "e" })
        {
            (await house.RunAsync("gallery", "create", name, "--group", "rg1", "--location", "westus")).Succeeded();
        }

        var json = (await house.RunAsync("gallery", "list", "-o", "json")).Succeeded().Json.AsArray();
        Assert.Equal(["a", "b", "c", "d", "e"], json.Select(gallery => ((string)gallery!["name"]!).Split('/')[^1]));
        var table = (await house.RunAsync("gallery", "list", "--group", "rg1")).Succeeded().Out.TrimEnd().Split('\n');
        Assert.StartsWith("NAME", table[0], StringComparison.Ordinal);
        Assert.Equal(6, table.Length);
        Assert.Equal("[]", (await house.RunAsync("gallery", "list", "--group", "other", "--output", "JSON")).Succeeded().Out.Trim());
    }

    [Fact]
    public async Task Gallery_show_and_delete_take_every_form_of_name()
    {
        (await house.RunAsync("gallery", "create", "rg1/prod", "--location", "westus")).Succeeded();
        foreach (var args in new[] { new[] { "prod", "--group", "rg1" }, ["rg1/prod"], [$"{Group}/galleries/prod"] })
        {
            Assert.Equal(
                $"{Group}/galleries/prod",
                (string?)(await house.RunAsync(["gallery", "show", .. args, "-o", "json"])).Succeeded().Json["name"]
            );
        }

        Assert.Equal(
            $"{Group}/galleries/prod",
            (string?)(await house.RunAsync("gallery", "delete", "rg1/prod", "-o", "json")).Succeeded().Json["deleted"]
        );
        var refused = (await house.RunAsync("gallery", "show", "rg1/prod", "-o", "json")).Failed(ExitCode.Refused);
        Assert.Equal("ResourceNotFound", (string?)refused.ErrorJson["reason"]);
        Assert.Empty(refused.Out);
    }

    [Fact]
    public async Task Definition_create_as_the_tour_writes_it_takes_the_gallerys_location()
    {
        (await house.RunAsync("gallery", "create", "prod", "--group", "rg1", "--location", "westus")).Succeeded();
        (
            await house.RunAsync(
                "definition",
                "create",
                "ubuntu",
                "--gallery",
                "prod",
                "--group",
                "rg1",
                "--os",
                "linux",
                "--state",
                "generalized",
                "--publisher",
                "contoso",
                "--offer",
                "server",
                "--sku",
                "24-lts",
                "--architecture",
                "arm64",
                "--generation",
                "v2"
            )
        ).Succeeded();
        var request = house.Catalog.Only<CreateImageDefinitionRequest>();
        Assert.Equal(($"{Group}/galleries/prod", "ubuntu"), (request.Parent, request.ImageDefinitionId));
        var definition = request.ImageDefinition;
        Assert.Equal((OperatingSystem.Linux, OperatingSystemState.Generalized), (definition.OsType, definition.OsState));
        Assert.Equal(
            (Architecture.Arm64, HyperVGeneration.V2, "westus"),
            (definition.Architecture, definition.HyperVGeneration, definition.Location)
        );
        Assert.Equal(
            new ImageIdentifier
            {
                Publisher = "contoso",
                Offer = "server",
                Sku = "24-lts",
            },
            definition.Identifier
        );

        Assert.Contains(
            "24-lts",
            (await house.RunAsync("definition", "list", "--gallery", "rg1/prod")).Succeeded().Out,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "contoso / server / 24-lts",
            (await house.RunAsync("definition", "show", "rg1/prod/ubuntu")).Succeeded().Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_definition_with_versions_is_refused_and_they_are_named()
    {
        var version = $"{Group}/galleries/prod/images/ubuntu/versions/1.0.0";
        house.Catalog.Versions[version] = new ImageVersion { Name = version };
        var refused = (await house.RunAsync("definition", "delete", "rg1/prod/ubuntu")).Failed(ExitCode.Refused);
        Assert.Contains("CannotDeleteResource", refused.Error, StringComparison.Ordinal);
        Assert.Contains(version, refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_service_refuses_is_told_with_reason_and_fields()
    {
        house.Catalog.Refuse = _ => throw GalleryError.InvalidParameter("gallery_id", "1 to 80 letters, digits, '.' and '_'; no dash");
        var refused = (await house.RunAsync("gallery", "create", "my-gallery", "--group", "rg1", "--location", "westus")).Failed(
            ExitCode.Refused
        );
        Assert.Contains("InvalidParameter", refused.Error, StringComparison.Ordinal);
        Assert.Contains("gallery_id: 1 to 80", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_commands()
    {
        var name = $"{Group}/galleries/prod/images/ubuntu/versions/1.0.0";
        house.Catalog.Versions[name] = new ImageVersion
        {
            Name = name,
            Location = "westus",
            OccupiedSizeBytes = 3L << 30,
        };
        house.Replication.Statuses.Add(
            ScriptedReplication.Status(
                ("eastus", RegionalReplicationState.Replicating, 40, "retrying"),
                ("westus", RegionalReplicationState.Completed, 100, "")
            )
        );

        Assert.Equal(name, (string?)(await house.RunAsync("version", "show", "--version", name, "-o", "json")).Succeeded().Json["name"]);
        Assert.Contains("3 GiB", (await house.RunAsync("version", "list", "rg1/prod/ubuntu")).Succeeded().Out, StringComparison.Ordinal);
        var status = (await house.RunAsync("version", "status", "rg1/prod/ubuntu/1.0.0")).Succeeded().Out;
        Assert.Contains("retrying", status, StringComparison.Ordinal);
        Assert.Contains("40 %", status, StringComparison.Ordinal);
        var replicas = (await house.RunAsync("version", "replicas", "rg1/prod/ubuntu/1.0.0", "--region", "eastus")).Succeeded().Out;
        Assert.Equal("eastus", Assert.Single(house.Replication.Requests.OfType<ListReplicasRequest>()).Region);
        Assert.Contains("2026-03-04 05:06:07Z", replicas, StringComparison.Ordinal);
        Assert.Contains("eastus has lost it", replicas, StringComparison.Ordinal);
        (await house.RunAsync("version", "delete", "1.0.0", "--group", "rg1", "--gallery", "prod", "--definition", "ubuntu")).Succeeded();
        Assert.Empty(house.Catalog.Versions);
    }

    [Fact]
    public async Task A_replication_is_cancelled_and_tried_again()
    {
        house.Replication.Statuses.Add(ScriptedReplication.Status(("eastus", RegionalReplicationState.Cancelled, 40, "cancelled")));
        var answer = (await house.RunAsync("version", "cancel", "rg1/prod/ubuntu/1.0.0", "--region", "eastus")).Succeeded().Out;
        Assert.Contains("cancelled", answer, StringComparison.Ordinal);
        (await house.RunAsync("version", "cancel", "rg1/prod/ubuntu/1.0.0")).Succeeded();
        Assert.Equal(["eastus", ""], house.Replication.Requests.OfType<CancelReplicationRequest>().Select(request => request.Region));
        (await house.RunAsync("version", "retry", "rg1/prod/ubuntu/1.0.0", "--region", "eastus")).Succeeded();
        Assert.Single(house.Replication.Requests.OfType<RetryRegionRequest>(), request => request.Region == "eastus");
        Assert.NotEqual(0, (await house.RunAsync("version", "retry", "rg1/prod/ubuntu/1.0.0")).ExitCode);
    }

    [Fact]
    public async Task Replicas_are_followed_one_by_one()
    {
        var lines = (await house.RunAsync("version", "watch", "rg1/prod/ubuntu/1.0.0", "--wait", "any", "--resume", "t")).Succeeded().Out;
        Assert.Contains("eastus-0: copying 3 MiB of 9 MiB, 1 MiB/s, 0:00:06 left", lines, StringComparison.Ordinal);
        Assert.Contains("u.westus.1.1: gone", lines, StringComparison.Ordinal);
        var request = Assert.Single(house.Replication.Requests.OfType<WatchReplicasRequest>());
        Assert.Equal((ReplicaWait.AnyRegion, "t"), (request.Wait, request.ResumeToken));
        var failed = await house.RunAsync("version", "watch", "rg1/prod/ubuntu/1.0.0", "--region", "mars");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("mars was cancelled", failed.Error, StringComparison.Ordinal);
        Assert.Contains("gallery version retry", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deploy_place_shows_leases_and_their_tokens_only_in_json()
    {
        var table = (
            await house.RunAsync("deploy", "place", "--definition", "rg1/prod/ubuntu", "--region", "eastus", "--count", "3")
        ).Succeeded();
        var request = Assert.Single(house.Replication.Requests.OfType<PlaceDeploymentRequest>());
        Assert.Equal(($"{Group}/galleries/prod/images/ubuntu", "eastus", 3), (request.Image, request.Region, request.MachineCount));
        Assert.DoesNotContain("grant-", table.Out, StringComparison.Ordinal);
        Assert.Contains("eastus-0", table.Out, StringComparison.Ordinal);
        Assert.Contains("1 -> 4 of 20", table.Out, StringComparison.Ordinal);
        Assert.Contains("Spread over 2 replicas: 1 to 5 machines a replica before, 4 to 5 now.", table.Out, StringComparison.Ordinal);
        var json = (await house.RunAsync("deploy", "place", "--version", "rg1/prod/ubuntu/1.0.0", "--region", "eastus", "-o", "json"))
            .Succeeded()
            .Json;
        Assert.StartsWith("grant-", (string?)json["leases"]![0]!["token"], StringComparison.Ordinal);
        (await house.RunAsync("deploy", "release", "l1")).Succeeded();
        Assert.Equal(
            $"subscriptions/{House.Subscription}/leases/l1",
            house.Replication.Requests.OfType<ReleaseLeaseRequest>().Single().Name
        );
    }

    [Fact]
    public async Task Deploy_advise_tells_what_is_needed_and_what_there_is()
    {
        var shown = await house.RunAsync(
            "deploy",
            "advise",
            "--definition",
            "rg1/prod/ubuntu",
            "--region",
            "eastus",
            "--count",
            "90",
            "--scale-sets",
            "2"
        );
        Assert.Matches("Replicas needed +5\n", shown.Succeeded().Out);
        Assert.Matches("Machines that fit now +33\n", shown.Out);
        var request = house.Replication.Requests.OfType<AdvisePlacementRequest>().Single();
        Assert.Equal(
            ($"{Group}/galleries/prod/images/ubuntu", "eastus", 90, 2),
            (request.Image, request.Region, request.MachineCount, request.ScaleSetCount)
        );
    }

    [Fact]
    public async Task Scaling_is_set_listed_and_ended()
    {
        string[] version = ["--version", "rg1/prod/ubuntu/1.0.0"];
        (
            await house.RunAsync([.. "deploy scaling set --region eastus --min 2 --max 9 --shrink-minutes 3".Split(' '), .. version])
        ).Succeeded();
        var set = house.Replication.Requests.OfType<SetReplicaScalingRequest>().Single().Scaling;
        Assert.Equal(
            ($"{Group}/galleries/prod/images/ubuntu/versions/1.0.0", "eastus", 2, 9, 180),
            (set.Version, set.Region, set.MinReplicaCount, set.MaxReplicaCount, set.ShrinkDelay.Seconds)
        );
        Assert.Contains(
            "eastus",
            (await house.RunAsync(["deploy", "scaling", "list", .. version])).Succeeded().Out,
            StringComparison.Ordinal
        );
        (await house.RunAsync(["deploy", "scaling", "end", "--region", "eastus", .. version])).Succeeded();
        Assert.Equal("eastus", house.Replication.Requests.OfType<DeleteReplicaScalingRequest>().Single().Region);
    }

    [Fact]
    public async Task Leases_are_listed_shown_renewed_and_released()
    {
        var name = $"subscriptions/{House.Subscription}/leases/l1";
        Assert.Contains(
            "eastus-0",
            (await house.RunAsync("deploy", "lease", "list", "--version", "rg1/prod/ubuntu/1.0.0")).Succeeded().Out,
            StringComparison.Ordinal
        );
        Assert.Equal(
            $"{Group}/galleries/prod/images/ubuntu/versions/1.0.0",
            house.Replication.Requests.OfType<ListLeasesRequest>().First().Version
        );
        Assert.Equal(name, (string?)(await house.RunAsync("deploy", "lease", "show", "l1", "-o", "json")).Succeeded().Json["name"]);
        Assert.Equal(name, house.Replication.Requests.OfType<GetLeaseRequest>().Single().Name);
        (await house.RunAsync("deploy", "lease", "renew", name, "--minutes", "30")).Succeeded();
        var renewal = house.Replication.Requests.OfType<RenewLeaseRequest>().Single();
        Assert.Equal((name, 1800), (renewal.Name, renewal.LeaseDuration.Seconds));
        (await house.RunAsync("deploy", "lease", "release", "l1")).Succeeded();
        Assert.Equal(name, house.Replication.Requests.OfType<ReleaseLeaseRequest>().Single().Name);
    }

    [Fact]
    public async Task Cost_estimate_of_a_size_a_file_or_a_version()
    {
        var result = (
            await house.RunAsync("cost", "estimate", "--size", "10GiB", "--to", "westus=2", "--to", "eastus=2:Standard_ZRS")
        ).Succeeded();
        Assert.Contains("Each month 3.00 USD, once 0.20 USD", result.Out, StringComparison.Ordinal);
        Assert.Contains("westus → eastus", result.Out, StringComparison.Ordinal);
        var request = house.Billing.Requests.OfType<EstimateCostRequest>().Last();
        Assert.Equal((10L << 30, "westus", 2), (request.OccupiedSizeBytes, request.SourceRegion, request.TargetRegions.Count));

        SparseFile.Create(house.Line.File("disk.raw"), 64 << 16, seed: 1, (0, 3 << 16));
        (await house.RunAsync("cost", "estimate", house.Line.File("disk.raw"), "--to", "westus", "-o", "json")).Succeeded();
        Assert.Equal(3 << 16, house.Billing.Requests.OfType<EstimateCostRequest>().Last().OccupiedSizeBytes);

        (await house.RunAsync("cost", "estimate", "--version", "rg1/prod/ubuntu/1.0.0")).Succeeded();
        Assert.Equal(
            $"{Group}/galleries/prod/images/ubuntu/versions/1.0.0",
            house.Billing.Requests.OfType<EstimateCostRequest>().Last().Version
        );

        (await house.RunAsync("cost", "estimate", "--to", "westus")).Failed(ExitCode.Usage);
        (await house.RunAsync("cost", "estimate", "--size", "1", "--version", "rg1/prod/ubuntu/1.0.0")).Failed(ExitCode.Usage);
        (await house.RunAsync("cost", "estimate", "--size", "1")).Failed(ExitCode.Usage);
    }

    [Fact]
    public async Task Cost_show_puts_all_pages_together()
    {
        var result = (await house.RunAsync("cost", "show", "--month", "2026-11")).Succeeded().Out;
        Assert.Contains("rg1/prod/ubuntu/1.0.0", result, StringComparison.Ordinal);
        Assert.Contains("rg1/prod/ubuntu/1.0.1", result, StringComparison.Ordinal);
        Assert.Contains("total 6.00 USD", result, StringComparison.Ordinal);
        var json = (await house.RunAsync("cost", "show", "-o", "json")).Succeeded().Json;
        Assert.Equal(2, json["lines"]!.AsArray().Count);
    }

    [Fact]
    public async Task Regions_and_activity()
    {
        var regions = (await house.RunAsync("region", "list")).Succeeded().Out;
        Assert.Contains("needs approval", regions, StringComparison.Ordinal);
        Assert.Contains("no answer for 9 s", regions, StringComparison.Ordinal);
        house.Catalog.Activity.Add(
            new ActivityLogEntry
            {
                OperationName = "Microsoft.Compute/galleries/write",
                Caller = new Principal { DisplayName = "owner" },
                Status = ActivityStatus.Succeeded,
                SubStatus = "Created",
                Resource = $"{Group}/galleries/prod",
            }
        );
        var activity = (await house.RunAsync("activity", "list", "--limit", "5")).Succeeded().Out;
        Assert.Contains("galleries/write", activity, StringComparison.Ordinal);
        Assert.Contains("rg1/prod", activity, StringComparison.Ordinal);
        Assert.Equal(5, house.Catalog.Only<ListActivityLogEntriesRequest>().PageSize);
    }

    [Fact]
    public async Task An_expired_token_is_exit_code_3()
    {
        house.Catalog.Refuse = _ => throw GalleryError.AuthenticationFailed("The token has expired.");
        var refused = (await house.RunAsync("gallery", "list")).Failed(ExitCode.NotSignedIn);
        Assert.Contains("gallery login", refused.Error, StringComparison.Ordinal);
        house.Catalog.Refuse = _ => throw new RpcException(new Status(StatusCode.Unauthenticated, ""));
        (await house.RunAsync("gallery", "list", "-o", "json")).Failed(ExitCode.NotSignedIn);
    }

    [Fact]
    public async Task A_service_that_does_not_answer_is_exit_code_4_and_is_named()
    {
        house.Line.Variables["GALLERY_CATALOG_URL"] = "http://127.0.0.1:9";
        var refused = (await house.RunAsync("gallery", "list")).Failed(ExitCode.Unavailable);
        Assert.Contains("catalog service does not answer at http://127.0.0.1:9", refused.Error, StringComparison.Ordinal);
        house.Line.Variables["GALLERY_CATALOG_URL"] = "not a url";
        (await house.RunAsync("gallery", "list")).Failed(ExitCode.Usage);
    }
}
