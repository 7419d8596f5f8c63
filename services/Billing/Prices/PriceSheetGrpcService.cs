using Gallery.Contracts.Billing.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.Billing.Prices;

/// <summary>Shows the price sheets.</summary>
internal sealed class PriceSheetGrpcService(PriceBook prices, TimeProvider clock) : PriceSheetService.PriceSheetServiceBase
{
    public override Task<GetPriceSheetResponse> GetPriceSheet(GetPriceSheetRequest request, ServerCallContext context)
    {
        const string Prefix = PriceSheet.Collection + "/";
        var id = request.Name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? request.Name[Prefix.Length..] : "";
        if (id.Length == 0 || id.Contains('/', StringComparison.Ordinal))
        {
            throw GalleryError.InvalidParameter(
                "name",
                $"Must be '{Prefix}{{id}}', or '{Prefix}{PriceBook.CurrentId}' for the one that holds now."
            );
        }

        var sheet = id.Equals(PriceBook.CurrentId, StringComparison.OrdinalIgnoreCase)
            ? prices.At(clock.GetUtcNow())
            : prices.Sheets.FirstOrDefault(each => each.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
        return sheet is not null
            ? Task.FromResult(new GetPriceSheetResponse { PriceSheet = sheet.ToContract() })
            : throw GalleryError.NotFound("price sheet", request.Name);
    }

    public override Task<ListPriceSheetsResponse> ListPriceSheets(ListPriceSheetsRequest request, ServerCallContext context)
    {
        var page = PageRequest.From(request.PageSize, request.PageToken, PriceSheet.Collection);
        var rest = prices
            .Sheets.SkipWhile(sheet => page.After.Length > 0 && sheet.Id != page.After)
            .Skip(page.After.Length > 0 ? 1 : 0)
            .ToArray();
        var response = new ListPriceSheetsResponse { PriceSheets = { rest.Take(page.Size).Select(sheet => sheet.ToContract()) } };
        if (rest.Length > page.Size)
        {
            response.NextPageToken = page.TokenAfter(rest[page.Size - 1].Id);
        }

        return Task.FromResult(response);
    }

    public override Task<UpdatePriceSheetResponse> UpdatePriceSheet(UpdatePriceSheetRequest request, ServerCallContext context) =>
        throw GalleryError.NotSupportedYet("Prices are set by configuration so far: edit Billing:PriceSheets and start the service again.");
}
