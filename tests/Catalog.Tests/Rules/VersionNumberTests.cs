using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Catalog.ImageVersions;

namespace Gallery.Catalog.Tests.Rules;

public sealed class VersionNumberTests
{
    [Theory]
    [InlineData("0.0.0")]
    [InlineData("1.2.3")]
    [InlineData("2147483647.2147483647.2147483647")]
    public void Good_numbers_are_read_and_written_back(string text)
    {
        Assert.True(VersionNumber.TryParse(text, out var number));
        Assert.Equal(text, number.ToString());
        Assert.Equal(number, VersionNumber.FromSortKey(number.SortKey));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.2")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.")]
    [InlineData(".1.2")]
    [InlineData("1..2")]
    [InlineData("01.0.0")]
    [InlineData("0.00.0")]
    [InlineData("-1.0.0")]
    [InlineData("+1.0.0")]
    [InlineData(" 1.0.0")]
    [InlineData("1.0.0 ")]
    [InlineData("1.0.x")]
    [InlineData("1.0.2147483648")]
    [InlineData("1.0.99999999999999999999")]
    [InlineData("1.0.٣")]
    [InlineData("latest")]
    public void Bad_numbers_are_not(string text) => Assert.False(VersionNumber.TryParse(text, out _));

    [Property]
    public bool The_order_of_index_members_is_the_order_of_numbers(
        FsCheck.NonNegativeInt major,
        FsCheck.NonNegativeInt minor,
        FsCheck.NonNegativeInt patch,
        FsCheck.NonNegativeInt otherMajor,
        FsCheck.NonNegativeInt otherMinor,
        FsCheck.NonNegativeInt otherPatch
    )
    {
        var one = new VersionNumber(major.Get, minor.Get, patch.Get);
        var other = new VersionNumber(otherMajor.Get, otherMinor.Get, otherPatch.Get);
        return Math.Sign(string.CompareOrdinal(one.SortKey, other.SortKey)) == Math.Sign(one.CompareTo(other));
    }

    [Property]
    public FsCheck.Property The_order_holds_for_the_largest_numbers_too() =>
        Prop.ForAll(
            Gen.Choose(0, int.MaxValue).ArrayOf(6).ToArbitrary(),
            parts =>
            {
                var one = new VersionNumber(parts[0], parts[1], parts[2]);
                var other = new VersionNumber(parts[0] / (1 + (parts[3] % 7)), parts[4], parts[5]);
                return Math.Sign(string.CompareOrdinal(one.SortKey, other.SortKey)) == Math.Sign(one.CompareTo(other))
                    && VersionNumber.TryParse(one.ToString(), out var read)
                    && read == one;
            }
        );
}
