using System.IO.Pipelines;
using Gallery.Region.Content;
using Gallery.Region.Links;

namespace Gallery.Region.Tests.Content;

public sealed class NodeStreamTests
{
    [Fact]
    public async Task What_has_come_already_was_not_waited_for_however_long_the_reader_takes()
    {
        using var limiter = new LinkLimiter(all: null);
        await using var stream = Open(new MemoryStream(new byte[10]), limiter);
        Assert.Equal(4, await stream.ReadAsync(new byte[4]));
        await Task.Delay(20); // The disk at this end is busy.
        Assert.Equal(6, await stream.ReadAsync(new byte[6]));
        Assert.Equal((10, TimeSpan.Zero), (stream.Received, stream.Waited));
    }

    [Fact]
    public async Task What_has_yet_to_come_and_its_share_of_the_bandwidth_are_waited_for()
    {
        using var limiter = new LinkLimiter(all: null);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await using var stream = Open(pipe.Reader.AsStream(), limiter);
        var read = stream.ReadAsync(new byte[100_000]);
        Assert.False(read.IsCompleted);
        await pipe.Writer.WriteAsync(new byte[65_536]);
        Assert.Equal(65_536, await read);
        var arrival = stream.Waited;
        Assert.NotEqual(TimeSpan.Zero, arrival);

        limiter.Limit(1_000_000);
        await pipe.Writer.WriteAsync(new byte[100_000]);
        Assert.Equal(100_000, await stream.ReadAsync(new byte[100_000]));
        Assert.True(stream.Waited > arrival);
    }

    private static NodeStream Open(Stream inner, LinkLimiter limiter) =>
        new(inner, "westus", limiter, new LinkMeter(TimeProvider.System), TimeSpan.FromMinutes(1), CancellationToken.None);
}
