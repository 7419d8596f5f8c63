using Gallery.ServiceDefaults;
using Gallery.ServiceDefaults.Tests.Probe;

var builder = WebApplication.CreateBuilder(args);
builder.AddGalleryDefaults("probe");
builder.AddGalleryRedis("prb:");
builder.AddSharingAccess();
builder.AddGalleryClient<ProbeService.ProbeServiceClient>("other");
builder.AddEventPublisher("probe");
builder.AddEventConsumer<ProbeEvents>("prb:");
builder.Services.AddSingleton<ProbeScript>();

var app = builder.Build();
app.MapGalleryDefaults();
app.MapGrpcService<ProbeGrpcService>();
app.MapGet("/open", () => "open").AllowAnonymous();
app.MapGet("/closed", () => "closed");
app.Run();
