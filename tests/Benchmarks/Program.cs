using System.CommandLine;
using Gallery.Benchmarks;

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

var root = new RootCommand("Measures the gallery beside what a user would use instead.") { house, speed, queue };
root.SetAction(async _ =>
{
    await HouseBenchmark.RunAsync();
    await SpeedBenchmark.RunAsync(contentMib: 2048, diskGib: 32, others: false);
});
return await root.Parse(args).InvokeAsync();
