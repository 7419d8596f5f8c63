using Gallery.Region.Links;
using Microsoft.Extensions.Time.Testing;

namespace Gallery.Region.Tests.Links;

public sealed class LinkMeterTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly LinkMeter _meter;

    public LinkMeterTests() => _meter = new LinkMeter(_time);

    [Fact]
    public async Task The_time_in_which_a_pull_waits_counts_and_no_other()
    {
        Assert.Equal(default, _meter.Rate);
        await ArriveAsync(1 << 20, TimeSpan.FromSeconds(1));
        Assert.Equal((1 << 20, _time.GetUtcNow()), (_meter.Rate.BytesPerSecond, _meter.Rate.Time!.Value));
        _time.Advance(TimeSpan.FromSeconds(30)); // The disk at this end is busy.
        await ArriveAsync(1 << 20, TimeSpan.FromSeconds(1));
        Assert.Equal(1 << 20, _meter.Rate.BytesPerSecond);
    }

    [Fact]
    public async Task Pulls_that_share_the_link_count_together()
    {
        var (first, second) = (new TaskCompletionSource<bool>(), new TaskCompletionSource<bool>());
        var waits = new[]
        {
            _meter.WaitAsync(new ValueTask<bool>(first.Task)).AsTask(),
            _meter.WaitAsync(new ValueTask<bool>(second.Task)).AsTask(),
        };
        _time.Advance(TimeSpan.FromSeconds(1));
        first.SetResult(true);
        second.SetResult(true);
        await Task.WhenAll(waits);
        _meter.Received(2 << 20);
        Assert.Equal(2 << 20, _meter.Rate.BytesPerSecond);
    }

    [Fact]
    public async Task A_few_bytes_say_nothing_and_bytes_that_are_always_there_say_that_the_link_is_fast()
    {
        await ArriveAsync(100, TimeSpan.FromSeconds(5));
        Assert.Equal(default, _meter.Rate);
        var fast = new LinkMeter(_time);
        for (var block = 0; block < 1024; block++)
        {
            Assert.True(await fast.WaitAsync(new ValueTask<bool>(true)));
            await fast.WaitAsync(ValueTask.CompletedTask);
            fast.Received(1 << 16);
        }

        Assert.True(fast.Rate.BytesPerSecond > 1L << 32);
    }

    [Fact]
    public async Task Samples_are_smoothed_until_they_are_out_of_date()
    {
        await ArriveAsync(10 << 20, TimeSpan.FromSeconds(1));
        await ArriveAsync(20 << 20, TimeSpan.FromSeconds(1));
        Assert.Equal(13 << 20, _meter.Rate.BytesPerSecond);
        _time.Advance(TimeSpan.FromHours(1));
        await ArriveAsync(20 << 20, TimeSpan.FromSeconds(1));
        Assert.Equal(20 << 20, _meter.Rate.BytesPerSecond);
    }

    [Fact]
    public async Task A_wait_that_fails_counts_too_and_fails()
    {
        var broken = new TaskCompletionSource<bool>();
        var wait = _meter.WaitAsync(new ValueTask<bool>(broken.Task)).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1));
        broken.SetException(new IOException("gone"));
        await Assert.ThrowsAsync<IOException>(() => wait);
        await ArriveAsync(1 << 20, TimeSpan.FromSeconds(1));
        Assert.Equal(1 << 19, _meter.Rate.BytesPerSecond);
    }

    private async Task ArriveAsync(int bytes, TimeSpan after)
    {
        var arrival = new TaskCompletionSource<bool>();
        var wait = _meter.WaitAsync(new ValueTask<bool>(arrival.Task)).AsTask();
        _time.Advance(after);
        arrival.SetResult(true);
        await wait;
        _meter.Received(bytes);
    }
}
