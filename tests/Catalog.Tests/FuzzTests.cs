using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.TestKit;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

/// <summary>Nothing that a client sends may be answered with UNKNOWN or INTERNAL, or without a reason.</summary>
[Collection(CatalogCollection.Name)]
public sealed class FuzzTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task Random_requests_are_answered_or_refused_with_a_reason()
    {
        var version = await _here.CreateReadyVersionAsync();
        var definition = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        var gallery = definition[..definition.IndexOf("/images", StringComparison.Ordinal)];
        string[] texts =
        [
            "",
            "*",
            "westus",
            "East US",
            "1.0.0",
            "prod",
            "a-b",
            new string('x', 5000),
            "\u0000",
            "ü",
            "%",
            "{p00}",
            version.Name,
            definition,
            gallery,
            _here.Group,
            $"subscriptions/{_here.Subscription}",
            _here.Snapshot(),
            "tags",
            "publishing_profile.target_regions",
            "https://example.com",
        ];
        var random = new Random(20261124);
        Dictionary<StatusCode, int> outcomes = [];
        var methods = new[]
        {
            GalleriesReflection.Descriptor,
            ImageDefinitionsReflection.Descriptor,
            ImageVersionsReflection.Descriptor,
            QuotasReflection.Descriptor,
            ActivityReflection.Descriptor,
            LocksReflection.Descriptor,
        }
            .SelectMany(file => file.Services)
            .SelectMany(service => service.Methods)
            .Where(method => !method.IsServerStreaming)
            .ToArray();
        for (var round = 0; round < 60; round++)
        {
            await Task.WhenAll(
                methods.Select(async method =>
                {
                    IMessage request;
                    lock (random)
                    {
                        request = Fill(method.InputType, random, texts, 0);
                    }

                    var outcome = await CallAsync(method, request);
                    lock (outcomes)
                    {
                        outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
                    }
                })
            );
        }

        Assert.True(outcomes.GetValueOrDefault(StatusCode.InvalidArgument) > 100, string.Join(", ", outcomes));
        Assert.True(outcomes.ContainsKey(StatusCode.OK), string.Join(", ", outcomes));
    }

    [Fact]
    public async Task Good_requests_with_one_random_value_are_answered_or_refused_with_a_reason()
    {
        var version = await _here.CreateReadyVersionAsync();
        var definition = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        var gallery = definition[..definition.IndexOf("/images", StringComparison.Ordinal)];
        string[] texts =
        [
            "",
            "*",
            "westus",
            "East US",
            "1.0.0",
            "a-b",
            new string('x', 5000),
            "\u0000",
            version.Name,
            "tags",
            "safety_profile",
            "name",
            "https://example.com",
        ];
        var random = new Random(7);
        HashSet<StatusCode> outcomes = [];
        for (var round = 0; round < 150; round++)
        {
            IMessage[] requests =
            [
                _here.NewGallery($"g{round}", FullGallery),
                Scenario.NewDefinition(gallery, $"d{round}", FullDefinition),
                _here.NewVersion(definition, $"2.0.{round}", FullVersion),
                new UpdateGalleryRequest
                {
                    Gallery = new Contracts.Catalog.V1.Gallery { Name = gallery, Description = "x" },
                },
                new UpdateImageDefinitionRequest
                {
                    ImageDefinition = new ImageDefinition { Name = definition, Description = "x" },
                },
                new UpdateImageVersionRequest
                {
                    ImageVersion = version.Clone(),
                    UpdateMask = new Google.Protobuf.WellKnownTypes.FieldMask { Paths = { "*" } },
                },
                new ListImageVersionsRequest { Parent = definition },
                new ListActivityLogEntriesRequest { Parent = gallery },
            ];
            foreach (var request in requests)
            {
                Spoil(request, random, texts);
                outcomes.Add(await CallAsync(MethodOf(request.Descriptor), request));
            }
        }

        Assert.Superset(new HashSet<StatusCode> { StatusCode.OK, StatusCode.InvalidArgument, StatusCode.FailedPrecondition }, outcomes);

        static void FullGallery(Contracts.Catalog.V1.Gallery gallery)
        {
            gallery.Identity = new ManagedIdentity();
            gallery.SharingProfile = new SharingProfile
            {
                CommunityGalleryInfo = new CommunityGalleryInfo(),
                Permissions = SharingPermission.Community,
            };
            gallery.SoftDeletePolicy = new SoftDeletePolicy();
        }

        static void FullDefinition(ImageDefinition definition)
        {
            definition.Features.Add(new ImageFeature { Name = "SecurityType", Value = "Standard" });
            definition.Recommended = new RecommendedMachineConfiguration { Memory = new ResourceRange(), Vcpus = new ResourceRange() };
            definition.Disallowed = new Disallowed();
            definition.EndOfLifeDate = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 4000000000 };
        }

        void FullVersion(ImageVersion version)
        {
            version.PublishingProfile = new ImageVersionPublishingProfile
            {
                TargetRegions =
                {
                    new TargetRegion { Name = "westus" },
                    new TargetRegion { Name = "eastus" },
                },
                EndOfLifeDate = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 4000000000 },
            };
            version.StorageProfile.DataDiskImages.Add(new DataDiskImage { Snapshot = _here.Snapshot() });
            version.SafetyProfile = new SafetyProfile();
        }
    }

    [Fact]
    public async Task Bytes_that_are_no_message_are_an_invalid_argument()
    {
        var method = new Method<byte[], byte[]>(
            MethodType.Unary,
            "gallery.catalog.v1.GalleryService",
            "CreateGallery",
            Marshallers.Create(bytes => bytes, bytes => bytes),
            Marshallers.Create(bytes => bytes, bytes => bytes)
        );
        await Refused.WithAsync(
            () => _here.Channel.AsyncUnaryCall(method, null, default, [0xff, 0xff, 0xff, 0x01, 0x02]),
            StatusCode.InvalidArgument,
            Contracts.Common.V1.ErrorReason.InvalidParameter
        );
    }

    private async Task<StatusCode> CallAsync(MethodDescriptor descriptor, IMessage request)
    {
        var method = new Method<byte[], byte[]>(
            MethodType.Unary,
            descriptor.Service.FullName,
            descriptor.Name,
            Marshallers.Create(bytes => bytes, bytes => bytes),
            Marshallers.Create(bytes => bytes, bytes => bytes)
        );
        try
        {
            await _here.Channel.AsyncUnaryCall(method, null, default, request.ToByteArray());
            return StatusCode.OK;
        }
        catch (RpcException error)
        {
            Assert.True(
                error.StatusCode is not (StatusCode.Unknown or StatusCode.Internal)
                    && GalleryError.ReasonOf(error) != Contracts.Common.V1.ErrorReason.Unspecified,
                $"{descriptor.FullName} answered {error.Status} to {request}"
            );
            return error.StatusCode;
        }
    }

    private static MethodDescriptor MethodOf(MessageDescriptor request) =>
        request.File.Services.SelectMany(service => service.Methods).Single(method => method.InputType == request);

    // Goes down to one field at random, and gives it another value.
    private static void Spoil(IMessage message, Random random, string[] texts)
    {
        while (true)
        {
            var fields = message.Descriptor.Fields.InDeclarationOrder();
            var field = fields[random.Next(fields.Count)];
            var value = field.Accessor.GetValue(message);
            if (value is IMessage branch && !field.IsRepeated && random.Next(5) > 0)
            {
                message = branch;
                continue;
            }

            if (!field.IsMap && value is System.Collections.IList { Count: > 0 } list && list[random.Next(list.Count)] is IMessage item)
            {
                message = item;
                continue;
            }

            if (field.IsMap)
            {
                ((System.Collections.IDictionary)value)[Text(random, texts)] = Text(random, texts);
            }
            else if (field.IsRepeated)
            {
                ((System.Collections.IList)value).Add(Value(field, random, texts, 0));
            }
            else
            {
                field.Accessor.SetValue(message, Value(field, random, texts, 0));
            }

            return;
        }
    }

    private static IMessage Fill(MessageDescriptor type, Random random, string[] texts, int depth)
    {
        var message = type.Parser.ParseFrom(ByteString.Empty);
        foreach (var field in type.Fields.InDeclarationOrder().Where(_ => random.Next(3) > 0))
        {
            if (field.IsMap)
            {
                ((System.Collections.IDictionary)field.Accessor.GetValue(message))[Text(random, texts)] = Text(random, texts);
            }
            else if (field.IsRepeated)
            {
                var list = (System.Collections.IList)field.Accessor.GetValue(message);
                for (var count = random.Next(3); count > 0; count--)
                {
                    list.Add(Value(field, random, texts, depth));
                }
            }
            else if (Value(field, random, texts, depth) is { } value)
            {
                field.Accessor.SetValue(message, value);
            }
        }

        return message;
    }

    private static object? Value(FieldDescriptor field, Random random, string[] texts, int depth) =>
        field.FieldType switch
        {
            FieldType.String => Text(random, texts),
            FieldType.Bool => random.Next(2) == 0,
            FieldType.Int32 => Number(random),
            FieldType.Int64 => random.Next(4) == 0 ? long.MinValue : (long)Number(random),
            FieldType.Enum => System.Enum.ToObject(field.EnumType.ClrType, random.Next(5) == 0 ? 1234 : random.Next(-1, 6)),
            FieldType.Message => depth < 5 ? Fill(field.MessageType, random, texts, depth + 1)
            : field.IsRepeated ? Fill(field.MessageType, new Random(0), texts, 9)
            : null,
            _ => throw new NotSupportedException(field.FullName),
        };

    private static int Number(Random random) =>
        random.Next(8) switch
        {
            0 => int.MinValue,
            1 => int.MaxValue,
            2 => -1,
            3 => 101,
            _ => random.Next(5),
        };

    private static string Text(Random random, string[] texts) => texts[random.Next(texts.Length)];
}
