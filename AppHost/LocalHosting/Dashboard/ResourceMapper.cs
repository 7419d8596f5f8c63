using System.Globalization;
using Gallery.LocalHosting.Protos.Dashboard;
using Gallery.LocalHosting.Running;
using Google.Protobuf.WellKnownTypes;
using Wire = Gallery.LocalHosting.Protos.Dashboard;

namespace Gallery.LocalHosting.Dashboard;

/// <summary>Says about a resource what the dashboard expects to hear, in its words.</summary>
internal static class ResourceMapper
{
    public static Wire.Resource Map(ResourceSnapshot snapshot, IReadOnlyDictionary<string, string> instances)
    {
        var resource = new Wire.Resource
        {
            Name = snapshot.InstanceName,
            ResourceType = snapshot.Type,
            DisplayName = snapshot.Name,
            Uid = snapshot.Uid,
            State = snapshot.State,
            CreatedAt = snapshot.CreatedAt.ToTimestamp(),
            SupportsDetailedTelemetry = snapshot.IsProcess,
        };
        if (Style(snapshot) is { } style)
        {
            resource.StateStyle = style;
        }

        if (snapshot.StartedAt is { } started)
        {
            resource.StartedAt = started.ToTimestamp();
        }

        if (snapshot.StoppedAt is { } stopped)
        {
            resource.StoppedAt = stopped.ToTimestamp();
        }

        resource.Environment.AddRange(
            snapshot.Environment.Select(variable => new EnvironmentVariable
            {
                Name = variable.Name,
                Value = variable.Secret ? "(secret)" : variable.Value,
                IsFromSpec = true,
            })
        );
        resource.Urls.AddRange(snapshot.Urls.Select((url, order) => Map(url, order, inactive: snapshot.State != ResourceStates.Running)));
        resource.HealthReports.AddRange(snapshot.Health.Select(Map));
        resource.Relationships.AddRange(
            snapshot.Relationships.Select(relationship => new ResourceRelationship
            {
                ResourceName = instances.GetValueOrDefault(relationship.ResourceName, relationship.ResourceName),
                Type = relationship.Type,
            })
        );
        resource.Properties.AddRange(Properties(snapshot));
        if (snapshot.IsProcess)
        {
            resource.Commands.AddRange(Commands(snapshot));
        }

        return resource;
    }

    private static string? Style(ResourceSnapshot snapshot) =>
        snapshot.State switch
        {
            ResourceStates.Running => snapshot.IsHealthy ? "success" : "warning",
            ResourceStates.Exited or ResourceStates.FailedToStart or ResourceStates.ValueMissing => "error",
            ResourceStates.Starting or ResourceStates.Stopping or ResourceStates.Waiting => "info",
            _ => null,
        };

    private static Url Map(ResourceUrl url, int order, bool inactive) =>
        new()
        {
            EndpointName = url.EndpointName,
            FullUrl = url.Url,
            IsInactive = inactive,
            DisplayProperties = new UrlDisplayProperties { SortOrder = order, DisplayName = url.DisplayText ?? "" },
        };

    private static Wire.HealthReport Map(Running.HealthReport report)
    {
        var mapped = new Wire.HealthReport { Key = report.Key, Description = report.Description };
        if (report.Healthy is { } healthy)
        {
            mapped.Status = healthy ? HealthStatus.Healthy : HealthStatus.Unhealthy;
        }

        if (report.LastRunAt is { } ran)
        {
            mapped.LastRunAt = ran.ToTimestamp();
        }

        return mapped;
    }

    private static IEnumerable<ResourceProperty> Properties(ResourceSnapshot snapshot)
    {
        if (snapshot.IsProcess)
        {
            yield return Text(snapshot.Type == "Project" ? "project.path" : "executable.path", snapshot.Source);
            yield return new ResourceProperty
            {
                Name = "executable.args",
                Value = Value.ForList([.. snapshot.Arguments.Select(Value.ForString)]),
            };
        }
        else if (snapshot.Source.Length > 0)
        {
            yield return Text(snapshot.Type == "Parameter" ? "Value" : "resource.connectionString", snapshot.Source);
        }

        if (snapshot.Pid is { } pid)
        {
            yield return Text("executable.pid", pid.ToString(CultureInfo.InvariantCulture));
        }

        if (snapshot.WorkingDirectory is { } folder)
        {
            yield return Text("executable.workDir", folder);
        }

        if (snapshot.ExitCode is { } code)
        {
            yield return new ResourceProperty { Name = "resource.exitCode", Value = Value.ForNumber(code) };
        }

        if (!snapshot.Health.IsEmpty)
        {
            yield return Text("resource.healthState", snapshot.IsHealthy ? "Healthy" : "Unhealthy");
        }

        if (!snapshot.WaitingFor.IsEmpty)
        {
            yield return Text("resource.waitingFor", string.Join(", ", snapshot.WaitingFor));
        }
    }

    private static ResourceProperty Text(string name, string value) => new() { Name = name, Value = Value.ForString(value) };

    private static IEnumerable<ResourceCommand> Commands(ResourceSnapshot snapshot)
    {
        var runs = snapshot.State is ResourceStates.Running or ResourceStates.Starting or ResourceStates.Waiting;
        var ends = snapshot.State is ResourceStates.Stopping;
        yield return Command(
            "start",
            "Start",
            "Play",
            ends ? ResourceCommandState.Disabled
                : runs ? ResourceCommandState.Hidden
                : ResourceCommandState.Enabled
        );
        yield return Command(
            "stop",
            "Stop",
            "Stop",
            ends ? ResourceCommandState.Disabled
                : runs ? ResourceCommandState.Enabled
                : ResourceCommandState.Hidden
        );
        yield return Command(
            "restart",
            "Restart",
            "ArrowCounterclockwise",
            runs ? ResourceCommandState.Enabled : ResourceCommandState.Disabled
        );
    }

    private static ResourceCommand Command(string name, string displayName, string icon, ResourceCommandState state) =>
        new()
        {
            Name = name,
            DisplayName = displayName,
            IconName = icon,
            IconVariant = IconVariant.Filled,
            IsHighlighted = name != "restart",
            State = state,
        };
}
