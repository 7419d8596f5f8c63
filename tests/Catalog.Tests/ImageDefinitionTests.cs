using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class ImageDefinitionTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task A_definition_is_created_with_defaults()
    {
        var gallery = await _here.CreateGalleryAsync("Prod");
        var definition = await _here.CreateDefinitionAsync(
            gallery.Name.ToLowerInvariant(),
            "Ubuntu-24.04",
            definition =>
            {
                definition.Location = "East US";
                definition.Recommended = new RecommendedMachineConfiguration
                {
                    Vcpus = new ResourceRange { Min = 1, Max = 80 },
                };
                definition.Disallowed = new Disallowed { DiskTypes = { "premium_lrs" } };
                definition.EndOfLifeDate = _here.In(TimeSpan.FromDays(30));
                definition.PurchasePlan = new PurchasePlan { Name = "plan", Publisher = "contoso" };
            }
        );

        Assert.Equal($"{gallery.Name}/images/Ubuntu-24.04", definition.Name);
        Assert.Equal("eastus", definition.Location);
        Assert.Equal(HyperVGeneration.V2, definition.HyperVGeneration);
        Assert.Equal(Architecture.X64, definition.Architecture);
        Assert.Equal(("SecurityType", "TrustedLaunchSupported"), (definition.Features.Single().Name, definition.Features.Single().Value));
        Assert.Equal("Premium_LRS", definition.Disallowed.DiskTypes.Single());
        Assert.Equal(ProvisioningState.Succeeded, definition.ProvisioningState);
        Assert.Equal(
            definition,
            (await _here.Definitions.GetImageDefinitionAsync(new GetImageDefinitionRequest { Name = definition.Name })).ImageDefinition
        );
        Assert.Contains(
            await _here.EventsAsync(),
            told => told.ImageDefinitionChanged is { Change: ChangeType.Created } changed && changed.Uid == definition.Uid
        );
        Assert.Equal(1, await _here.UsageAsync(UsageMetric.ImageDefinitions, "eastus"));
    }

    [Fact]
    public async Task A_missing_gallery_is_named()
    {
        var refused = await Refused.WithAsync(
            () => _here.Definitions.CreateImageDefinitionAsync(Scenario.NewDefinition($"{_here.Group}/galleries/none")),
            StatusCode.NotFound,
            ErrorReason.ParentResourceNotFound
        );
        Assert.Equal($"{_here.Group}/galleries/none", refused.Detail<ResourceInfo>().ResourceName);
        Assert.Empty(_here.Keys());
        await Refused.WithAsync(
            () => _here.Definitions.ListImageDefinitionsAsync(new ListImageDefinitionsRequest { Parent = $"{_here.Group}/galleries/none" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    public static TheoryData<string, Action<CreateImageDefinitionRequest>> BadRequests() =>
        new()
        {
            { "image_definition_id", request => request.ImageDefinitionId = "ends.with." },
            { "image_definition_id", request => request.ImageDefinitionId = "-starts" },
            { "image_definition_id", request => request.ImageDefinitionId = "" },
            { "image_definition_id", request => request.ImageDefinitionId = new string('a', 81) },
            { "image_definition", request => request.ImageDefinition = null },
            { "image_definition.location", request => request.ImageDefinition.Location = "" },
            { "image_definition.name", request => request.ImageDefinition.Name = "another" },
            { "image_definition.os_type", request => request.ImageDefinition.OsType = 0 },
            { "image_definition.os_type", request => request.ImageDefinition.OsType = (Contracts.Common.V1.OperatingSystem)9 },
            { "image_definition.os_state", request => request.ImageDefinition.OsState = 0 },
            { "image_definition.hyper_v_generation", request => request.ImageDefinition.HyperVGeneration = (HyperVGeneration)3 },
            { "image_definition.architecture", request => request.ImageDefinition.Architecture = (Architecture)(-1) },
            { "image_definition.identifier.publisher", request => request.ImageDefinition.Identifier.Publisher = "" },
            { "image_definition.identifier.publisher", request => request.ImageDefinition.Identifier.Publisher = new string('p', 129) },
            { "image_definition.identifier.publisher", request => request.ImageDefinition.Identifier = null },
            { "image_definition.identifier.offer", request => request.ImageDefinition.Identifier.Offer = "ends." },
            { "image_definition.identifier.offer", request => request.ImageDefinition.Identifier.Offer = new string('o', 65) },
            { "image_definition.identifier.sku", request => request.ImageDefinition.Identifier.Sku = "sp ace" },
            {
                "image_definition.end_of_life_date",
                request => request.ImageDefinition.EndOfLifeDate = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch)
            },
            {
                "image_definition.end_of_life_date",
                request => request.ImageDefinition.EndOfLifeDate = new Timestamp { Seconds = long.MaxValue }
            },
            {
                "image_definition.end_of_life_date",
                request => request.ImageDefinition.EndOfLifeDate = new Timestamp { Seconds = 9999999999, Nanos = -1 }
            },
            { "image_definition.recommended.vcpus.min", request => request.ImageDefinition.Recommended = Sizes(4, 2) },
            { "image_definition.recommended.vcpus.min", request => request.ImageDefinition.Recommended = Sizes(0, 2) },
            { "image_definition.recommended.vcpus.max", request => request.ImageDefinition.Recommended = Sizes(1, 81) },
            {
                "image_definition.disallowed.disk_types",
                request => request.ImageDefinition.Disallowed = new Disallowed { DiskTypes = { "Floppy" } }
            },
            { "image_definition.features[0].name", request => Feature(request, "Nonsense", "True") },
            { "image_definition.features[0].value", request => Feature(request, "SecurityType", "Perfect") },
            { "image_definition.features[0].starts_at_version", request => Feature(request, "IsHibernateSupported", "true", "1.0") },
            { "image_definition.privacy_statement_uri", request => request.ImageDefinition.PrivacyStatementUri = "not a url" },
            { "image_definition.release_note_uri", request => request.ImageDefinition.ReleaseNoteUri = "ftp://example.com" },
            {
                "image_definition.purchase_plan.name",
                request => request.ImageDefinition.PurchasePlan = new PurchasePlan { Publisher = "p" }
            },
            {
                "image_definition.tags",
                request => request.ImageDefinition.Tags.Add(new Dictionary<string, string> { ["Env"] = "a", ["env"] = "b" })
            },
        };

    [Theory]
    [MemberData(nameof(BadRequests), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_value_is_refused_by_its_field_and_leaves_nothing(string field, Action<CreateImageDefinitionRequest> spoil)
    {
        var gallery = await _here.CreateGalleryAsync();
        var before = _here.Keys();
        var request = Scenario.NewDefinition(gallery.Name);
        spoil(request);

        var refused = await Refused.WithAsync(
            () => _here.Definitions.CreateImageDefinitionAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Contains(field, refused.Fields);
        Assert.Equal(before, _here.Keys());
        Assert.Single(await _here.EventsAsync());
    }

    [Fact]
    public async Task What_arm_and_security_take_is_checked_together()
    {
        var gallery = await _here.CreateGalleryAsync();
        var arm = await Refused.WithAsync(
            () =>
                _here.Definitions.CreateImageDefinitionAsync(
                    Scenario.NewDefinition(
                        gallery.Name,
                        change: definition =>
                        {
                            definition.Architecture = Architecture.Arm64;
                            definition.HyperVGeneration = HyperVGeneration.V1;
                            definition.Features.Add(new ImageFeature { Name = "securitytype", Value = "trustedlaunch" });
                        }
                    )
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["image_definition.architecture", "image_definition.features[0].value"], arm.Fields);

        var plain = await _here.CreateDefinitionAsync(
            gallery.Name,
            change: definition =>
            {
                definition.Features.Add(new ImageFeature { Name = "securitytype", Value = "STANDARD" });
                definition.Features.Add(new ImageFeature { Name = "diskControllerTypes", Value = "scsi,nvme" });
            }
        );
        Assert.Equal(
            [("SecurityType", "Standard"), ("DiskControllerTypes", "SCSI, NVMe")],
            plain.Features.Select(feature => (feature.Name, feature.Value))
        );
    }

    [Fact]
    public async Task A_name_or_a_triple_that_is_taken_is_refused()
    {
        var definition = await _here.CreateDefinitionAsync();
        var gallery = definition.Name[..definition.Name.IndexOf("/images", StringComparison.Ordinal)];
        await Refused.WithAsync(
            () => _here.Definitions.CreateImageDefinitionAsync(Scenario.NewDefinition(gallery, "UBUNTU")),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
        await Refused.WithAsync(
            () => _here.Definitions.CreateImageDefinitionAsync(Scenario.NewDefinition(gallery, change: other => other.Location = "eastus")),
            StatusCode.FailedPrecondition,
            ErrorReason.InvalidResourceLocation
        );
        var triple = await Refused.WithAsync(
            () =>
                _here.Definitions.CreateImageDefinitionAsync(
                    Scenario.NewDefinition(
                        gallery,
                        "other",
                        other =>
                            other.Identifier = new ImageIdentifier
                            {
                                Publisher = "Contoso",
                                Offer = "SERVER",
                                Sku = "ubuntu",
                            }
                    )
                ),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
        Assert.Equal(definition.Name, triple.Detail<ResourceInfo>().ResourceName);

        // Free again as soon as the definition is gone, and free in another gallery all the time.
        var elsewhere = await _here.CreateGalleryAsync("elsewhere");
        await _here.CreateDefinitionAsync(elsewhere.Name);
        await _here.Definitions.DeleteImageDefinitionAsync(new DeleteImageDefinitionRequest { Name = definition.Name });
        await _here.CreateDefinitionAsync(gallery, "other", other => other.Identifier = definition.Identifier);
    }

    public static TheoryData<string, Action<ImageDefinition>> FixedProperties() =>
        new()
        {
            { "location", definition => definition.Location = "eastus" },
            { "os_type", definition => definition.OsType = Contracts.Common.V1.OperatingSystem.Windows },
            { "os_state", definition => definition.OsState = OperatingSystemState.Specialized },
            { "identifier.publisher", definition => definition.Identifier = new ImageIdentifier { Publisher = "other" } },
            { "identifier.offer", definition => definition.Identifier = new ImageIdentifier { Offer = "other" } },
            { "identifier.sku", definition => definition.Identifier = new ImageIdentifier { Sku = "other" } },
            { "hyper_v_generation", definition => definition.HyperVGeneration = HyperVGeneration.V1 },
            { "architecture", definition => definition.Architecture = Architecture.Arm64 },
            { "features", definition => definition.Features.Add(new ImageFeature { Name = "SecurityType", Value = "Standard" }) },
            { "eula", definition => definition.Eula = "other" },
            { "privacy_statement_uri", definition => definition.PrivacyStatementUri = "https://example.com/other" },
            { "purchase_plan", definition => definition.PurchasePlan = new PurchasePlan { Name = "n", Publisher = "p" } },
        };

    [Theory]
    [MemberData(nameof(FixedProperties), DisableDiscoveryEnumeration = true)]
    public async Task A_fixed_property_cannot_change_and_the_error_names_it_with_both_values(string path, Action<ImageDefinition> change)
    {
        var definition = await _here.CreateDefinitionAsync(change: definition =>
        {
            definition.Eula = "the eula";
            definition.Features.Add(
                new ImageFeature { Name = "SecurityType", Value = path == "hyper_v_generation" ? "Standard" : "TrustedLaunch" }
            );
        });
        var update = new ImageDefinition { Name = definition.Name };
        change(update);

        var refused = await Refused.WithAsync(
            () => _here.Definitions.UpdateImageDefinitionAsync(new UpdateImageDefinitionRequest { ImageDefinition = update }),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );

        Assert.Equal($"image_definition.{path}", refused.Metadata["target"]);
        Assert.NotEqual(refused.Metadata["current"], refused.Metadata["requested"]);
        Assert.Equal(
            definition,
            (await _here.Definitions.GetImageDefinitionAsync(new GetImageDefinitionRequest { Name = definition.Name })).ImageDefinition
        );
    }

    [Fact]
    public async Task Sending_back_what_was_read_with_a_change_is_fine()
    {
        var definition = await _here.CreateDefinitionAsync();
        definition.Description = "new";
        definition.EndOfLifeDate = _here.In(TimeSpan.FromSeconds(5));
        var updated = (
            await _here.Definitions.UpdateImageDefinitionAsync(new UpdateImageDefinitionRequest { ImageDefinition = definition })
        ).ImageDefinition;
        Assert.Equal("new", updated.Description);

        // A date that has passed meanwhile may be sent back, too; another one must lie ahead.
        fixture.Host.Time.Advance(TimeSpan.FromSeconds(10));
        updated.Description = "newer";
        updated = (
            await _here.Definitions.UpdateImageDefinitionAsync(new UpdateImageDefinitionRequest { ImageDefinition = updated })
        ).ImageDefinition;
        updated.EndOfLifeDate = _here.In(TimeSpan.FromSeconds(-1));
        await Refused.WithAsync(
            () => _here.Definitions.UpdateImageDefinitionAsync(new UpdateImageDefinitionRequest { ImageDefinition = updated }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        var cleared = (
            await _here.Definitions.UpdateImageDefinitionAsync(
                new UpdateImageDefinitionRequest
                {
                    ImageDefinition = new ImageDefinition { Name = updated.Name },
                    UpdateMask = new FieldMask { Paths = { "end_of_life_date" } },
                }
            )
        ).ImageDefinition;
        Assert.Null(cleared.EndOfLifeDate);
    }

    [Fact]
    public async Task Features_change_only_when_the_update_says_so()
    {
        var definition = await _here.CreateDefinitionAsync();
        var request = new UpdateImageDefinitionRequest
        {
            ImageDefinition = new ImageDefinition
            {
                Name = definition.Name,
                Features =
                {
                    new ImageFeature
                    {
                        Name = "SecurityType",
                        Value = "TrustedLaunch",
                        StartsAtVersion = "2.0.0",
                    },
                },
            },
            AllowUpdateImage = true,
        };
        var updated = (await _here.Definitions.UpdateImageDefinitionAsync(request)).ImageDefinition;
        Assert.Equal("2.0.0", updated.Features.Single().StartsAtVersion);
    }

    [Fact]
    public async Task A_star_clears_what_can_change_and_leaves_what_cannot()
    {
        var definition = await _here.CreateDefinitionAsync(change: definition =>
        {
            definition.Description = "d";
            definition.Eula = "e";
            definition.Recommended = Sizes(1, 2);
        });
        var updated = (
            await _here.Definitions.UpdateImageDefinitionAsync(
                new UpdateImageDefinitionRequest
                {
                    ImageDefinition = new ImageDefinition { Name = definition.Name, ReleaseNoteUri = "https://example.com/notes" },
                    UpdateMask = new FieldMask { Paths = { "*" } },
                }
            )
        ).ImageDefinition;
        Assert.Equal(
            ("", "e", null, "https://example.com/notes"),
            (updated.Description, updated.Eula, updated.Recommended, updated.ReleaseNoteUri)
        );
        Assert.Equal(definition.Identifier, updated.Identifier);
    }

    [Fact]
    public async Task A_definition_with_versions_names_them_and_is_free_to_go_as_soon_as_they_are_gone()
    {
        var version = await _here.CreateVersionAsync();
        var name = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        var refused = await Refused.WithAsync(
            () => _here.Definitions.DeleteImageDefinitionAsync(new DeleteImageDefinitionRequest { Name = name }),
            StatusCode.FailedPrecondition,
            ErrorReason.CannotDeleteResource
        );
        Assert.Equal(version.Name, Assert.Single(refused.Detail<PreconditionFailure>().Violations).Subject);

        var deleting = (await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name })).ImageVersion;
        await Refused.WithAsync(
            () => _here.Definitions.DeleteImageDefinitionAsync(new DeleteImageDefinitionRequest { Name = name }),
            StatusCode.FailedPrecondition,
            ErrorReason.CannotDeleteResource
        );
        await _here.RetireAsync(deleting);
        await Eventually.Async(async () => await _here.UsageAsync(UsageMetric.ImageVersions) == 0);
        await _here.Definitions.DeleteImageDefinitionAsync(new DeleteImageDefinitionRequest { Name = name });
        Assert.Equal(0, await _here.UsageAsync(UsageMetric.ImageDefinitions));
        Assert.DoesNotContain(
            _here.Keys(),
            key => key.Contains(":image", StringComparison.Ordinal) || key.Contains(":triples", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Either_a_child_is_created_or_its_parent_deleted_never_both()
    {
        for (var round = 0; round < 10; round++)
        {
            var gallery = await _here.CreateGalleryAsync($"g{round}");
            var create = Outcome(() => _here.Definitions.CreateImageDefinitionAsync(Scenario.NewDefinition(gallery.Name)).ResponseAsync);
            var delete = Outcome(() => _here.Galleries.DeleteGalleryAsync(new DeleteGalleryRequest { Name = gallery.Name }).ResponseAsync);
            var outcome = (await create, await delete);
            Assert.True(
                outcome is (StatusCode.OK, StatusCode.FailedPrecondition) or (StatusCode.NotFound, StatusCode.OK),
                $"round {round}: {outcome}"
            );
        }

        static async Task<StatusCode> Outcome(Func<Task> call)
        {
            try
            {
                await call();
                return StatusCode.OK;
            }
            catch (RpcException error)
            {
                return error.StatusCode;
            }
        }
    }

    [Fact]
    public async Task Definitions_are_listed_by_name_in_pages()
    {
        var gallery = await _here.CreateGalleryAsync();
        foreach (var id in new[] { "c", "A", "b-1" })
        {
            await _here.CreateDefinitionAsync(gallery.Name, id);
        }

        List<string> ids = [];
        var token = "";
        do
        {
            var page = await _here.Definitions.ListImageDefinitionsAsync(
                new ListImageDefinitionsRequest
                {
                    Parent = gallery.Name,
                    PageSize = 2,
                    PageToken = token,
                }
            );
            ids.AddRange(page.ImageDefinitions.Select(definition => definition.Identifier.Sku));
            token = page.NextPageToken;
        } while (token.Length > 0);
        Assert.Equal(["A", "b-1", "c"], ids);
    }

    private static RecommendedMachineConfiguration Sizes(int min, int max) =>
        new()
        {
            Vcpus = new ResourceRange { Min = min, Max = max },
        };

    private static void Feature(CreateImageDefinitionRequest request, string name, string value, string startsAt = "") =>
        request.ImageDefinition.Features.Add(
            new ImageFeature
            {
                Name = name,
                Value = value,
                StartsAtVersion = startsAt,
            }
        );
}
