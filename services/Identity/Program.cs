using Gallery.Identity.Tokens;
using Gallery.ServiceDefaults.Telemetry;

var builder = WebApplication.CreateBuilder(args);
builder.AddGalleryTelemetry("identity");
builder.AddIssuer();
builder.Services.AddHealthChecks();

var app = builder.Build();
app.UseAuthentication(); // Answers discovery, keys and the token endpoint.
app.MapHealthChecks("/health");
app.MapHealthChecks("/alive");
app.Run();
