using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Node;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Region.Imports;

/// <summary>Fetches files for Replication.</summary>
internal sealed class ImportGrpcService(ImportManager imports) : ImportService.ImportServiceBase
{
    /// <inheritdoc/>
    public override Task<StartImportResponse> StartImport(StartImportRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var id = RequestChecks.RequireId(request.UploadId, "upload_id");
        if (request.Format is < DiskFormat.Unspecified or > DiskFormat.Qcow2)
        {
            throw GalleryError.InvalidParameter("format", "a known disk format, or none");
        }

        var view = imports.Start(id, ImportUri.Parse(request.Uri), request.Format);
        return Task.FromResult(new StartImportResponse { Import = ToMessage(view) });
    }

    /// <inheritdoc/>
    public override Task<GetImportResponse> GetImport(GetImportRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var id = RequestChecks.RequireId(request.UploadId, "upload_id");
        return Task.FromResult(new GetImportResponse { Import = ToMessage(imports.Get(id)) });
    }

    private static Import ToMessage(ImportView view) =>
        new()
        {
            UploadId = view.Record.Id,
            State = view.State switch
            {
                ImportStep.Running => ImportState.Running,
                ImportStep.Arrived => ImportState.Arrived,
                ImportStep.Failed => ImportState.Failed,
                _ => ImportState.Waiting,
            },
            FileSizeBytes = view.Record.FileSize,
            DoneBytes = view.DoneBytes,
            FetchedBytes = view.Record.FetchedBytes,
            Details = view.State is ImportStep.Waiting or ImportStep.Failed ? view.Record.Details : "",
            FailureReason = view.Record.Failure,
        };
}
