using FsCheck;
using FsCheck.Xunit;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Tests.Paging;

public sealed class PageRequestTests
{
    [Theory]
    [InlineData(0, 50)]
    [InlineData(1, 1)]
    [InlineData(1000, 1000)]
    [InlineData(1001, 1000)]
    [InlineData(int.MaxValue, 1000)]
    public void Sizes_have_a_default_and_a_limit(int asked, int given) => Assert.Equal(given, PageRequest.From(asked, "", "list").Size);

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_negative_size_is_refused(int size) => AssertRefused(() => PageRequest.From(size, "", "list"), "page_size");

    [Property]
    public bool A_token_leads_back_to_its_entry(NonEmptyString member, string listing)
    {
        var text = new string([.. member.Get.Where(character => !char.IsSurrogate(character))]) + "x";
        var token = PageRequest.From(1, "", listing ?? "").TokenAfter(text);
        return PageRequest.From(1, token, listing ?? "").After == text;
    }

    [Fact]
    public void A_token_is_good_for_its_own_list_only()
    {
        var token = PageRequest.From(1, "", "subscriptions/a/galleries").TokenAfter("x");
        AssertRefused(() => PageRequest.From(1, token, "subscriptions/b/galleries"), "page_token");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("!!!!")]
    [InlineData("AAAA")]
    [InlineData("AQAAAAAAAAAA")]
    [InlineData("ä")]
    [InlineData(" ")]
    public void A_token_that_is_none_is_refused(string token) => AssertRefused(() => PageRequest.From(1, token, "list"), "page_token");

    [Fact]
    public void Tokens_that_are_damaged_or_too_long_are_refused()
    {
        var page = PageRequest.From(1, "", "list");
        AssertRefused(() => PageRequest.From(1, new string('A', 100_000), "list"), "page_token");
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(page.TokenAfter("abc"));
        bytes[^1] = 0xC3; // No UTF-8 any more.
        AssertRefused(() => PageRequest.From(1, System.Buffers.Text.Base64Url.EncodeToString(bytes), "list"), "page_token");
    }

    [Property]
    public bool No_text_does_more_harm_than_being_refused(string text)
    {
        try
        {
            PageRequest.From(1, text ?? "", "list");
            return true;
        }
        catch (RpcException error)
        {
            return error.StatusCode == StatusCode.InvalidArgument;
        }
    }

    private static void AssertRefused(Action act, string field)
    {
        var error = Assert.Throws<RpcException>(act);
        Assert.Equal((StatusCode.InvalidArgument, ErrorReason.InvalidParameter), (error.StatusCode, GalleryError.ReasonOf(error)));
        Assert.StartsWith(field, error.Status.Detail, StringComparison.Ordinal);
    }
}
