using System.CommandLine;
using Gallery.Benchmarks;

// dotnet run -c Release --project tests/Benchmarks -- publish
var content = new Option<int>("--content-mib") { Description = "Bytes of files in the disk, in MiB.", DefaultValueFactory = _ => 2048 };
var size = new Option<int>("--disk-gib") { Description = "Size of the disk, in GiB; the rest is a hole.", DefaultValueFactory = _ => 32 };

var house = new Command("house", "How fast the whole house is healthy, and how much memory it takes when it idles.");
house.SetAction(_ => HouseBenchmark.RunAsync());

var publish = new Command("publish", "Publishing to one further region, beside `cp --sparse=always` and `sync` of the same file.")
{
    content,
    size,
};
publish.SetAction(parsed => PublishBenchmark.RunAsync(parsed.GetValue(content), parsed.GetValue(size)));

var versions = new Option<int>("--versions")
{
    Description = "How many versions are published at once.",
    DefaultValueFactory = _ => 10_000,
};
var queue = new Command("queue", "Many tiny versions published at once to five regions: rate, worst wait, shares of regions.") { versions };
queue.SetAction(parsed => QueueBenchmark.RunAsync(parsed.GetValue(versions)));

var root = new RootCommand("Measures the gallery beside what a user would use instead.") { house, publish, queue };
root.SetAction(async _ =>
{
    await HouseBenchmark.RunAsync();
    await PublishBenchmark.RunAsync(contentMib: 2048, diskGib: 32);
});
return await root.Parse(args).InvokeAsync();
