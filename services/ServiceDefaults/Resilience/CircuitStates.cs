using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Polly.CircuitBreaker;

namespace Gallery.ServiceDefaults.Resilience;

/// <summary>Tells of each pipeline whether its circuit is closed. Also the metric <c>gallery.resilience.circuit.state</c>.</summary>
public sealed class CircuitStates
{
    internal const string MeterName = "Gallery.Resilience";

    private readonly ConcurrentDictionary<string, CircuitBreakerStateProvider> _circuits = new();

    /// <summary>Makes the register and its metric: 0 closed, 1 open, 2 half open, 3 isolated.</summary>
    /// <param name="meters">Makes the meter.</param>
    public CircuitStates(IMeterFactory meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        meters
            .Create(MeterName)
            .CreateObservableGauge(
                "gallery.resilience.circuit.state",
                () =>
                    _circuits.Select(circuit => new Measurement<int>(
                        (int)circuit.Value.CircuitState,
                        new KeyValuePair<string, object?>("pipeline", circuit.Key)
                    )),
                description: "0 closed, 1 open, 2 half open, 3 isolated."
            );
    }

    /// <summary>The state of a pipeline's circuit; closed when the pipeline was not used yet.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    public CircuitState StateOf(string pipeline) =>
        _circuits.TryGetValue(pipeline, out var circuit) ? circuit.CircuitState : CircuitState.Closed;

    internal CircuitBreakerStateProvider Register(string pipeline) => _circuits[pipeline] = new CircuitBreakerStateProvider();
}
