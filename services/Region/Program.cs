using Gallery.Region.Access;
using Gallery.Region.Content;
using Gallery.Region.Imports;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Uploads;
using Gallery.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddGalleryDefaults("region");
builder.AddGrants();
builder.AddRegionNode();

var app = builder.Build();
app.MapGalleryDefaults();
app.MapGrpcService<NodeGrpcService>();
app.MapGrpcService<ReplicaGrpcService>();
app.MapGrpcService<UploadGrpcService>();
app.MapGrpcService<ImportGrpcService>();
app.MapGrpcService<ContentGrpcService>();
app.MapDisks();
app.MapBlocks();
app.MapUploads();
app.Run();
