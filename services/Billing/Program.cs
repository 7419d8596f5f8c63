using Gallery.Billing.Estimates;
using Gallery.Billing.Prices;
using Gallery.Billing.Regions;
using Gallery.Billing.Statements;
using Gallery.Billing.Usage;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddGalleryDefaults("billing");
builder.AddGalleryRedis("bil:");
builder.AddSharingAccess();
builder.AddGalleryClient<RegionService.RegionServiceClient>("replication");
builder.AddGalleryClient<ImageVersionService.ImageVersionServiceClient>("catalog");
builder.AddEventConsumer<ReplicaEvents>("rep:");

builder.Services.AddOptions<PriceOptions>().BindConfiguration("Billing");
builder.Services.AddOptions<RegionOptions>().BindConfiguration("Billing");
builder.Services.AddSingleton<PriceBook>();
builder.Services.AddSingleton<RegionDirectory>();
builder.Services.AddSingleton<UsageStore>();
builder.Services.AddSingleton<BillingMetrics>();

var app = builder.Build();
app.Services.GetRequiredService<PriceBook>(); // Prices that make no sense shall stop the service, not its first bill.
app.MapGalleryDefaults();
app.MapGrpcService<PriceSheetGrpcService>();
app.MapGrpcService<EstimateGrpcService>();
app.MapGrpcService<UsageGrpcService>();
app.MapGrpcService<StatementGrpcService>();
await app.RunAsync();
