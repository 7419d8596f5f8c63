using System.Collections.Concurrent;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Cli.Tests.Harness;

/// <summary>As much of Catalog as commands need: it keeps what it is told and refuses what it is told to refuse.</summary>
internal sealed class ScriptedCatalog
{
    public ScriptedCatalog() =>
        Services = [new GalleriesPart(this), new DefinitionsPart(this), new VersionsPart(this), new ActivityPart(this)];

    public object[] Services { get; }

    public ConcurrentDictionary<string, V1.Gallery> Galleries { get; } = new(StringComparer.OrdinalIgnoreCase);

    public ConcurrentDictionary<string, ImageDefinition> Definitions { get; } = new(StringComparer.OrdinalIgnoreCase);

    public ConcurrentDictionary<string, ImageVersion> Versions { get; } = new(StringComparer.OrdinalIgnoreCase);

    public List<ActivityLogEntry> Activity { get; } = [];

    public ConcurrentQueue<object> Requests { get; } = new();

    /// <summary>May throw instead of answering.</summary>
    public Action<object> Refuse { get; set; } = _ => { };

    /// <summary>True when there is such a snapshot.</summary>
    public Func<string, bool> HasSnapshot { get; set; } = _ => false;

    /// <summary>The state that a watched version comes to rest in.</summary>
    public ProvisioningState Outcome { get; set; } = ProvisioningState.Succeeded;

    public T Only<T>() => Requests.OfType<T>().Single();

    private void Take(object request)
    {
        Requests.Enqueue(request);
        Refuse(request);
    }

    private sealed class GalleriesPart(ScriptedCatalog catalog) : GalleryService.GalleryServiceBase
    {
        public override Task<CreateGalleryResponse> CreateGallery(CreateGalleryRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            var gallery = request.Gallery.Clone();
            gallery.Name = $"{request.Parent}/galleries/{request.GalleryId}";
            gallery.ProvisioningState = ProvisioningState.Succeeded;
            gallery.CreateTime = Timestamp.FromDateTime(new DateTime(2026, 11, 24, 10, 0, 0, DateTimeKind.Utc));
            return catalog.Galleries.TryAdd(gallery.Name, gallery)
                ? Task.FromResult(new CreateGalleryResponse { Gallery = gallery })
                : throw GalleryError.AlreadyExists("gallery", gallery.Name);
        }

        public override Task<GetGalleryResponse> GetGallery(GetGalleryRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            return catalog.Galleries.TryGetValue(request.Name, out var gallery)
                ? Task.FromResult(new GetGalleryResponse { Gallery = gallery })
                : throw GalleryError.NotFound("gallery", request.Name);
        }

        public override Task<ListGalleriesResponse> ListGalleries(ListGalleriesRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            var below = catalog
                .Galleries.Values.Where(gallery => gallery.Name.StartsWith($"{request.Parent}/", StringComparison.OrdinalIgnoreCase))
                .OrderBy(gallery => gallery.Name)
                .ToList();
            var from = request.PageToken.Length == 0 ? 0 : int.Parse(request.PageToken, System.Globalization.CultureInfo.InvariantCulture);
            var answer = new ListGalleriesResponse { NextPageToken = from + 2 < below.Count ? $"{from + 2}" : "" };
            answer.Galleries.AddRange(below.Skip(from).Take(2));
            return Task.FromResult(answer);
        }

        public override Task<DeleteGalleryResponse> DeleteGallery(DeleteGalleryRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            return catalog.Galleries.TryRemove(request.Name, out _)
                ? Task.FromResult(new DeleteGalleryResponse())
                : throw GalleryError.NotFound("gallery", request.Name);
        }
    }

    private sealed class DefinitionsPart(ScriptedCatalog catalog) : ImageDefinitionService.ImageDefinitionServiceBase
    {
        public override Task<CreateImageDefinitionResponse> CreateImageDefinition(
            CreateImageDefinitionRequest request,
            ServerCallContext context
        )
        {
            catalog.Take(request);
            var definition = request.ImageDefinition.Clone();
            definition.Name = $"{request.Parent}/images/{request.ImageDefinitionId}";
            definition.ProvisioningState = ProvisioningState.Succeeded;
            catalog.Definitions[definition.Name] = definition;
            return Task.FromResult(new CreateImageDefinitionResponse { ImageDefinition = definition });
        }

        public override Task<GetImageDefinitionResponse> GetImageDefinition(GetImageDefinitionRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            return catalog.Definitions.TryGetValue(request.Name, out var definition)
                ? Task.FromResult(new GetImageDefinitionResponse { ImageDefinition = definition })
                : throw GalleryError.NotFound("image definition", request.Name);
        }

        public override Task<ListImageDefinitionsResponse> ListImageDefinitions(
            ListImageDefinitionsRequest request,
            ServerCallContext context
        )
        {
            catalog.Take(request);
            var answer = new ListImageDefinitionsResponse();
            answer.ImageDefinitions.AddRange(catalog.Definitions.Values);
            return Task.FromResult(answer);
        }

        public override Task<DeleteImageDefinitionResponse> DeleteImageDefinition(
            DeleteImageDefinitionRequest request,
            ServerCallContext context
        )
        {
            catalog.Take(request);
            return catalog.Versions.IsEmpty
                ? Task.FromResult(new DeleteImageDefinitionResponse())
                : throw GalleryError.CannotDelete(request.Name, [.. catalog.Versions.Keys]);
        }
    }

    private sealed class VersionsPart(ScriptedCatalog catalog) : ImageVersionService.ImageVersionServiceBase
    {
        public override Task<CreateImageVersionResponse> CreateImageVersion(CreateImageVersionRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            var snapshot = request.ImageVersion.StorageProfile.OsDiskImage.Snapshot;
            if (!catalog.HasSnapshot(snapshot))
            {
                throw GalleryError.NotFound("snapshot", snapshot);
            }

            var version = request.ImageVersion.Clone();
            version.Name = $"{request.Parent}/versions/{request.ImageVersionId}";
            version.Uid = "11111111-0000-0000-0000-000000000000";
            version.Generation = 1;
            version.ProvisioningState = ProvisioningState.Creating;
            if (!request.ValidateOnly)
            {
                catalog.Versions[version.Name] = version;
            }

            return Task.FromResult(new CreateImageVersionResponse { ImageVersion = version, Warnings = { "Mind the gap." } });
        }

        public override Task<GetImageVersionResponse> GetImageVersion(GetImageVersionRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            return catalog.Versions.TryGetValue(request.Name, out var version)
                ? Task.FromResult(new GetImageVersionResponse { ImageVersion = version })
                : throw GalleryError.NotFound("image version", request.Name);
        }

        public override Task<ListImageVersionsResponse> ListImageVersions(ListImageVersionsRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            var answer = new ListImageVersionsResponse();
            answer.ImageVersions.AddRange(catalog.Versions.Values);
            return Task.FromResult(answer);
        }

        public override Task<DeleteImageVersionResponse> DeleteImageVersion(DeleteImageVersionRequest request, ServerCallContext context)
        {
            catalog.Take(request);
            return catalog.Versions.TryRemove(request.Name, out var version)
                ? Task.FromResult(new DeleteImageVersionResponse { ImageVersion = version })
                : throw GalleryError.NotFound("image version", request.Name);
        }

        public override async Task WatchImageVersion(
            WatchImageVersionRequest request,
            IServerStreamWriter<WatchImageVersionResponse> responseStream,
            ServerCallContext context
        )
        {
            catalog.Take(request);
            if (!catalog.Versions.TryGetValue(request.Name, out var version))
            {
                throw GalleryError.NotFound("image version", request.Name);
            }

            await responseStream.WriteAsync(new WatchImageVersionResponse { ImageVersion = version });
            version = version.Clone();
            version.ProvisioningState = catalog.Outcome;
            catalog.Versions[request.Name] = version;
            await responseStream.WriteAsync(new WatchImageVersionResponse { ImageVersion = version });
        }
    }

    private sealed class ActivityPart(ScriptedCatalog catalog) : ActivityLogService.ActivityLogServiceBase
    {
        public override Task<ListActivityLogEntriesResponse> ListActivityLogEntries(
            ListActivityLogEntriesRequest request,
            ServerCallContext context
        )
        {
            catalog.Take(request);
            var answer = new ListActivityLogEntriesResponse();
            answer.Entries.AddRange(catalog.Activity);
            return Task.FromResult(answer);
        }
    }
}
