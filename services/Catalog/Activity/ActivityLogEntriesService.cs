using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Catalog.Activity;

/// <summary>Shows the activity log.</summary>
internal sealed class ActivityLogEntriesService(IAccessChecker access, ActivityLog log) : ActivityLogService.ActivityLogServiceBase
{
    private static readonly ResourceKind[] Scopes = System.Enum.GetValues<ResourceKind>();

    public override async Task<ListActivityLogEntriesResponse> ListActivityLogEntries(
        ListActivityLogEntriesRequest request,
        ServerCallContext context
    )
    {
        var scope = ResourceName.Require(request.Parent, "parent", Scopes);
        await access.RequireAsync(context, CatalogActions.ActivityRead, scope.Value);
        var violations = new Violations();
        ValueRules.Known(violations, "status", request.Status, required: false);
        ValueRules.Text(violations, "operation_name", request.OperationName, 256);
        var from = Time(violations, "start_time", request.StartTime);
        var until = Time(violations, "end_time", request.EndTime);
        violations.AddIf(from >= until, "end_time", "Must be later than start_time.");
        violations.ThrowIfAny();

        var page = PageRequest.From(request.PageSize, request.PageToken, ListingOf(request));
        if (page.After.Length > 0 && !IsPosition(page.After))
        {
            throw GalleryError.InvalidParameter("page_token", "Must be the next_page_token of the page before.");
        }

        var filter = new ActivityFilter(scope, from, until, request.OperationName, request.Status);
        var (entries, position) = await log.ReadAsync(filter, page.Size, page.After, context.CancellationToken);
        var response = new ListActivityLogEntriesResponse { NextPageToken = position.Length == 0 ? "" : page.TokenAfter(position) };
        response.Entries.AddRange(entries);
        return response;
    }

    public override Task<RecordActivityResponse> RecordActivity(RecordActivityRequest request, ServerCallContext context) =>
        throw GalleryError.NotSupportedYet("Entries of other services can't be recorded yet: the log holds Catalog's own.");

    private static DateTimeOffset? Time(Violations violations, string field, Timestamp? value)
    {
        if (value is null || ValueRules.IsTime(value))
        {
            return value?.ToDateTimeOffset();
        }

        violations.Add(field, "Must be a time between the years 1 and 9999.");
        return null;
    }

    private static bool IsPosition(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash > 0 && ulong.TryParse(text.AsSpan(0, dash), out _) && ulong.TryParse(text.AsSpan(dash + 1), out _);
    }

    // A token belongs to the filter it was made with, whatever the size of the pages.
    private static string ListingOf(ListActivityLogEntriesRequest request)
    {
        var filter = request.Clone();
        filter.PageSize = 0;
        filter.PageToken = "";
        return $"activity {JsonFormatter.Default.Format(filter)}";
    }
}
