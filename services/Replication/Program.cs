using Gallery.Contracts.Catalog.V1;
using Gallery.Replication;
using Gallery.Replication.Placement;
using Gallery.Replication.Regions;
using Gallery.Replication.Scaling;
using Gallery.Replication.Snapshots;
using Gallery.Replication.Status;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
if (RegionsValidation.Complaint(builder.Configuration) is { } complaint)
{
    await Console.Error.WriteLineAsync(complaint);
    return 1;
}

builder.AddGalleryDefaults("replication");
builder.AddGalleryRedis("rep:");
builder.AddSharingAccess();
builder.AddGalleryClient<ImageVersionService.ImageVersionServiceClient>("catalog");
builder.AddEventPublisher("catalog", "billing");
builder.AddEventConsumer<VersionEvents>("cat:");

builder.AddRegions();
builder.AddSnapshots();
builder.AddReplication();
builder.AddPlacement();
builder.AddScaling();

var app = builder.Build();

app.MapGalleryDefaults();
app.MapGrpcService<RegionsService>();
app.MapGrpcService<SnapshotsService>();
app.MapGrpcService<ReplicationsService>();
app.MapGrpcService<PlacementsService>();
app.MapGrpcService<ReplicaScalingsService>();

app.Run();
return 0;
