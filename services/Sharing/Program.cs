using Gallery.ServiceDefaults;
using Gallery.ServiceDefaults.Access;
using Gallery.Sharing.Access;
using Gallery.Sharing.Assignments;
using Gallery.Sharing.Communities;
using Gallery.Sharing.Groups;
using Gallery.Sharing.Roles;
using Gallery.Sharing.Seeds;
using Gallery.Sharing.Shares;
using Gallery.Sharing.Subscriptions;

var builder = WebApplication.CreateBuilder(args);
builder.AddGalleryDefaults("sharing");
builder.AddGalleryRedis("shr:");
builder.AddEventPublisher();

builder.Services.AddOptions<AssignmentOptions>().BindConfiguration("Assignments").ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddOptions<SeedOptions>().BindConfiguration("Seed");
builder.Services.AddSingleton<GrantStore>();
builder.Services.AddSingleton<AssignmentStore>();
builder.Services.AddSingleton<SubscriptionStore>();
builder.Services.AddSingleton<AccessDecider>();
builder.Services.AddSingleton<IAccessChecker, LocalAccessChecker>();
builder.Services.AddHostedService<SeedPlanter>();

var app = builder.Build();
app.MapGalleryDefaults();
app.MapGrpcService<AccessGrpcService>();
app.MapGrpcService<RoleDefinitionGrpcService>();
app.MapGrpcService<RoleAssignmentGrpcService>();
app.MapGrpcService<SubscriptionGrpcService>();
app.MapGrpcService<GroupGrpcService>();
app.MapGrpcService<ShareGrpcService>();
app.MapGrpcService<CommunityGalleryGrpcService>();
await app.RunAsync();
