using System.CommandLine;
using Gallery.Benchmarks;
using Gallery.Benchmarks.Soak;

// dotnet run -c Release --project tests/Benchmarks -- speed
var content = new Option<int>("--content-mib") { Description = "Bytes of files in the disk, in MiB.", DefaultValueFactory = _ => 2048 };
var size = new Option<int>("--disk-gib") { Description = "Size of the disk, in GiB; the rest is a hole.", DefaultValueFactory = _ => 32 };

var house = new Command("house", "How fast the whole house is healthy, and how much memory it takes when it idles.");
house.SetAction(_ => HouseBenchmark.RunAsync());

var others = new Option<bool>("--others") { Description = "Times rsync and borg as well; they take minutes." };
var speed = new Command(
    "speed",
    "A new disk, further regions and replicas, and a successor, beside `cp --sparse=always` and `sync` of the file."
)
{
    content,
    size,
    others,
};
speed.SetAction(parsed => SpeedBenchmark.RunAsync(parsed.GetValue(content), parsed.GetValue(size), parsed.GetValue(others)));

var versions = new Option<int>("--versions")
{
    Description = "How many versions are published at once.",
    DefaultValueFactory = _ => 10_000,
};
var queue = new Command("queue", "Many tiny versions published at once to five regions: rate, worst wait, shares of regions.") { versions };
queue.SetAction(parsed => QueueBenchmark.RunAsync(parsed.GetValue(versions)));

var readContent = new Option<int>("--content-mib") { Description = "Bytes in the disk, in MiB.", DefaultValueFactory = _ => 1024 };
var readSize = new Option<int>("--disk-gib") { Description = "Size of the sparse disk, in GiB.", DefaultValueFactory = _ => 8 };
var http = new Command("http", "Reading a replica over HTTP, beside nginx serving the same file.") { readContent, readSize };
http.SetAction(parsed => HttpReadBenchmark.RunAsync(parsed.GetValue(readContent), parsed.GetValue(readSize)));

var share = new Option<int>("--mib-per-second") { Description = "What each replica gives at most.", DefaultValueFactory = _ => 40 };
var readScaling = new Command("read-scaling", "What 1 to 8 replicas give together, each with a bandwidth of its own.") { share };
readScaling.SetAction(parsed => ReadScalingBenchmark.RunAsync(parsed.GetValue(share)));

var placement = new Command("placement", "Placing 1,000 machines in one call.");
placement.SetAction(_ => PlacementBenchmark.RunAsync());

var warmSpread = new Command("warm-spread", "1,000 machines read the same image at once.");
warmSpread.SetAction(_ => WarmSpreadBenchmark.RunAsync());

var minutes = new Option<int>("--minutes") { Description = "How long, in minutes.", DefaultValueFactory = _ => 5 };
var seed = new Option<int?>("--seed") { Description = "Repeats the choices of a run that printed it." };
var soak = new Command("soak", "Publishes, breaks what takes part at random, waits until all is well again, and compares every byte.")
{
    minutes,
    seed,
};
soak.SetAction(parsed => SoakRun.RunAsync(TimeSpan.FromMinutes(parsed.GetValue(minutes)), parsed.GetValue(seed) ?? Random.Shared.Next()));

var root = new RootCommand("Measures the gallery beside what a user would use instead.")
{
    house,
    speed,
    queue,
    http,
    readScaling,
    placement,
    warmSpread,
    soak,
};
root.SetAction(async _ =>
{
    await HouseBenchmark.RunAsync();
    await SpeedBenchmark.RunAsync(contentMib: 2048, diskGib: 32, others: false);
});
return await root.Parse(args).InvokeAsync();
