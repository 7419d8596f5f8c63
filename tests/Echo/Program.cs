using System.Collections;
using System.Globalization;

var app = WebApplication.CreateSlimBuilder(args).Build();
var healthy = true;

app.MapGet("/health", () => healthy ? Results.Text("Healthy") : Results.StatusCode(StatusCodes.Status503ServiceUnavailable));
app.MapGet(
    "/environment",
    () => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => entry.Value)
);
app.MapGet("/protocol", (HttpContext context) => context.Request.Protocol);
app.MapPost("/sicken", () => healthy = false);
app.MapPost("/crash/{code}", (string code) => Environment.Exit(int.Parse(code, CultureInfo.InvariantCulture)));
Console.Error.WriteLine("echo: a line on the error stream");
app.Run();
