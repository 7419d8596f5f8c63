using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.ServiceDefaults;

/// <summary>Registers who decides about access.</summary>
public static class AccessRegistration
{
    /// <summary>Registers an <see cref="IAccessChecker"/> that asks the service <c>sharing</c>.</summary>
    /// <param name="builder">The service.</param>
    public static WebApplicationBuilder AddSharingAccess(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddGalleryClient<AccessService.AccessServiceClient>("sharing");
        builder.Services.AddSingleton<IAccessChecker, SharingAccessChecker>();
        return builder;
    }
}
