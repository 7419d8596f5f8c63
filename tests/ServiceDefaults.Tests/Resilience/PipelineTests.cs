using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Resilience;
using Polly;
using Polly.CircuitBreaker;
using Polly.Registry;
using Polly.Timeout;

namespace Gallery.ServiceDefaults.Tests.Resilience;

public sealed class PipelineTests
{
    [Fact]
    public async Task A_transient_error_is_tried_again_and_another_is_not()
    {
        await using var services = Build(options => options.MaxRetries = 2);
        var pipeline = services.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline("dependency");
        var attempts = 0;

        await pipeline.ExecuteAsync(_ => ++attempts < 3 ? throw GalleryError.DependencyUnavailable("x") : ValueTask.CompletedTask);
        Assert.Equal(3, attempts);
        attempts = 0;
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
            await pipeline.ExecuteAsync(
                ValueTask (_) =>
                {
                    attempts++;
                    throw new InvalidOperationException();
                }
            )
        );
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task What_must_not_be_repeated_is_not()
    {
        await using var services = Build(_ => { });
        var pipeline = services.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline("dependency");
        var context = ResilienceContextPool.Shared.Get();
        context.Properties.Set(GalleryStrategies.MayRetry, false);
        var attempts = 0;
        await Assert.ThrowsAsync<HttpRequestException>(async () =>
            await pipeline.ExecuteAsync(
                ValueTask (_) =>
                {
                    attempts++;
                    throw new HttpRequestException();
                },
                context
            )
        );
        ResilienceContextPool.Shared.Return(context);
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task An_attempt_has_a_time_limit()
    {
        await using var services = Build(options =>
        {
            options.MaxRetries = 0;
            options.AttemptTimeout = TimeSpan.FromMilliseconds(50);
        });
        var pipeline = services.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline("dependency");
        await Assert.ThrowsAsync<TimeoutRejectedException>(async () =>
            await pipeline.ExecuteAsync(async token => await Task.Delay(Timeout.Infinite, token))
        );
    }

    [Fact]
    public async Task The_circuit_opens_and_everybody_can_see_it()
    {
        await using var services = Build(options =>
        {
            options.MaxRetries = 0;
            options.MinimumThroughput = 2;
        });
        var pipeline = services.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline("dependency");
        var states = services.GetRequiredService<CircuitStates>();
        Assert.Equal(CircuitState.Closed, states.StateOf("dependency"));
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(async () =>
                await pipeline.ExecuteAsync(ValueTask (_) => throw new HttpRequestException())
            );
        }

        var open = await Assert.ThrowsAsync<BrokenCircuitException>(async () => await pipeline.ExecuteAsync(_ => ValueTask.CompletedTask));
        Assert.Equal(CircuitState.Open, states.StateOf("dependency"));
        Assert.True(Transient.IsUnavailable(open));
        Assert.False(Transient.IsTransient(open));
        Assert.Equal(CircuitState.Closed, states.StateOf("another"));
    }

    [Fact]
    public async Task Configuration_overrides_what_the_program_says()
    {
        await using var services = Build(options => options.MaxRetries = 2, new() { ["Resilience:dependency:MaxRetries"] = "1" });
        var pipeline = services.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline("dependency");
        var attempts = 0;
        await Assert.ThrowsAsync<HttpRequestException>(async () =>
            await pipeline.ExecuteAsync(
                ValueTask (_) =>
                {
                    attempts++;
                    throw new HttpRequestException();
                }
            )
        );
        Assert.Equal(2, attempts);
    }

    private static ServiceProvider Build(Action<GalleryPipelineOptions> configure, Dictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Services.AddMetrics();
        builder.AddGalleryPipeline(
            "dependency",
            options =>
            {
                options.BaseDelay = TimeSpan.FromMilliseconds(1);
                configure(options);
            }
        );
        return builder.Services.BuildServiceProvider();
    }
}
