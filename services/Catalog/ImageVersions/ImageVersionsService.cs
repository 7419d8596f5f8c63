using System.Globalization;
using Gallery.Catalog.Activity;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Manages image versions.</summary>
internal sealed class ImageVersionsService(
    IAccessChecker access,
    Changes changes,
    RedisStore store,
    ImageVersionStore versions,
    VersionCreation creation,
    VersionUpdate update,
    VersionDeletion deletion,
    VersionWatch watch
) : ImageVersionService.ImageVersionServiceBase
{
    private const string Descending = "version desc";

    public override Task<CreateImageVersionResponse> CreateImageVersion(CreateImageVersionRequest request, ServerCallContext context)
    {
        var definition = ResourceName.Require(request.Parent, "parent", ResourceKind.Image);
        // A name that is none can't be authorised: its definition then stands for it, and the rules refuse it.
        var name = definition.TryChild(ResourceKind.ImageVersion, request.ImageVersionId, out var version) ? version : definition;
        return changes.RunAsync<CreateImageVersionResponse>(
            context,
            name,
            CatalogActions.VersionWrite,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => creation.RunAsync(change, definition, request)
        );
    }

    public override async Task<GetImageVersionResponse> GetImageVersion(GetImageVersionRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.ImageVersion);
        await access.RequireAsync(context, CatalogActions.VersionRead, name.Value, CatalogActions.ReadingServices);
        var record = await versions.RequireAsync(name, context.CancellationToken);
        return new GetImageVersionResponse { ImageVersion = record.Version };
    }

    public override async Task<ListImageVersionsResponse> ListImageVersions(ListImageVersionsRequest request, ServerCallContext context)
    {
        var definition = ResourceName.Require(request.Parent, "parent", ResourceKind.Image);
        await access.RequireAsync(context, CatalogActions.VersionRead, definition.Value, CatalogActions.ReadingServices);
        var descending = request.OrderBy == Descending;
        if (!descending && request.OrderBy is not ("" or "version"))
        {
            throw GalleryError.InvalidParameter("order_by", $"Must be empty, 'version' or '{Descending}'.");
        }

        var page = PageRequest.From(request.PageSize, request.PageToken, $"versions {descending} {definition.Key}");
        return await versions.ListAsync(definition, page, descending, context.CancellationToken);
    }

    public override Task<UpdateImageVersionResponse> UpdateImageVersion(UpdateImageVersionRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.ImageVersion?.Name, "image_version.name", ResourceKind.ImageVersion);
        return changes.RunAsync<UpdateImageVersionResponse>(
            context,
            name,
            CatalogActions.VersionWrite,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => update.RunAsync(change, request)
        );
    }

    public override Task<DeleteImageVersionResponse> DeleteImageVersion(DeleteImageVersionRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.ImageVersion);
        return changes.RunAsync<DeleteImageVersionResponse>(
            context,
            name,
            CatalogActions.VersionDelete,
            request,
            request.RequestId,
            request.ValidateOnly,
            change => deletion.RunAsync(change, request)
        );
    }

    public override async Task WatchImageVersion(
        WatchImageVersionRequest request,
        IServerStreamWriter<WatchImageVersionResponse> responseStream,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.ImageVersion);
        await access.RequireAsync(context, CatalogActions.VersionRead, name.Value, CatalogActions.ReadingServices);
        await watch.RunAsync(name, request.UntilSettled, responseStream, context);
    }

    public override async Task<ListVersionsForReconcileResponse> ListVersionsForReconcile(
        ListVersionsForReconcileRequest request,
        ServerCallContext context
    )
    {
        context.RequireService(CatalogActions.ReadingServices);
        if (request.Partition < 0 || request.Partition >= store.Partitions.Count)
        {
            throw GalleryError.InvalidParameter(
                "partition",
                string.Create(CultureInfo.InvariantCulture, $"Must be 0 to {store.Partitions.Count - 1}.")
            );
        }

        var partition = store.Partitions[request.Partition];
        var page = PageRequest.From(
            request.PageSize,
            request.PageToken,
            string.Create(CultureInfo.InvariantCulture, $"allversions {request.Partition}")
        );
        return await versions.ListPartitionAsync(partition, page, context.CancellationToken);
    }
}

/// <summary>Registers image versions.</summary>
internal static class ImageVersionExtensions
{
    public static WebApplicationBuilder AddImageVersions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ImageVersionStore>();
        builder.Services.AddSingleton<SourceSnapshots>();
        builder.Services.AddSingleton<VersionCreation>();
        builder.Services.AddSingleton<VersionUpdate>();
        builder.Services.AddSingleton<VersionDeletion>();
        builder.Services.AddSingleton<VersionWatch>();
        builder.Services.AddSingleton<VersionSignals>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<VersionSignals>());
        return builder;
    }
}
