using System.Net;
using System.Net.Sockets;

namespace Gallery.LocalHosting.Running;

/// <summary>Settles the port of every endpoint before anything starts, so that references never have to wait.</summary>
internal static class EndpointAllocator
{
    private const int PatientTries = 20;

    public static void Allocate(IReadOnlyList<IResource> resources)
    {
        var endpoints = resources
            .SelectMany(resource =>
                resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => (Resource: resource, Endpoint: endpoint))
            )
            .ToList();
        foreach (var (resource, endpoint) in endpoints)
        {
            // A project is told its port. A program listens where it was made to, and no proxy stands in front of it here.
            endpoint.AllocatedPort =
                resource is ProjectResource ? endpoint.Port ?? endpoint.TargetPort : endpoint.TargetPort ?? endpoint.Port;
        }

        var open = endpoints.Where(entry => entry.Endpoint.AllocatedPort is null).ToList();
        foreach (var ((_, endpoint), port) in open.Zip(HostEndpoints.FreePorts(open.Count)))
        {
            endpoint.AllocatedPort = port;
        }

        var twice = endpoints.GroupBy(entry => entry.Endpoint.AllocatedPort).FirstOrDefault(group => group.Count() > 1);
        if (twice is not null)
        {
            throw new LocalHostingException(
                $"Port {twice.Key} is given to {string.Join(" and ", twice.Select(entry => $"{entry.Resource.Name}/{entry.Endpoint.Name}"))}."
            );
        }
    }

    /// <summary>Makes sure that nobody else listens on the resource's ports.</summary>
    /// <exception cref="LocalHostingException">Somebody does.</exception>
    public static async Task RequireFreeAsync(IResource resource, CancellationToken cancellationToken)
    {
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            for (var tries = 1; !IsFree(endpoint.AllocatedPort!.Value); tries++)
            {
                if (tries == PatientTries)
                {
                    throw new LocalHostingException(
                        $"Port {endpoint.AllocatedPort} of {resource.Name}/{endpoint.Name} is in use by another program. ./start --port-base moves all ports."
                    );
                }

                await Task.Delay(100, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
