using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Sharing.Roles;

namespace Gallery.Sharing.Tests;

public sealed class RoleTests
{
    private const string Versions = "Microsoft.Compute/galleries/images/versions";

    [Theory]
    [InlineData("*", "anything/at/all", true)]
    [InlineData("*/read", "Microsoft.Compute/galleries/read", true)]
    [InlineData("*/read", "Microsoft.Compute/galleries/readAll", false)]
    [InlineData("*/READ", "microsoft.compute/galleries/read", true)]
    [InlineData("Microsoft.Compute/galleries/*", "Microsoft.Compute/galleries/images/write", true)]
    [InlineData("Microsoft.Compute/galleries/*", "Microsoft.Compute/galleriesOther/write", false)]
    [InlineData("Microsoft.Authorization/*/Write", "Microsoft.Authorization/locks/write", true)]
    [InlineData("Microsoft.Authorization/*/Write", "Microsoft.Authorization/locks/read", false)]
    [InlineData("a*b*c", "aXbXbXc", true)]
    [InlineData("a*b*c", "aXcXb", false)]
    [InlineData("a/b/c", "a/b/c", true)]
    [InlineData("a/b/c", "a/b/c/d", false)]
    [InlineData("**", "", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    public void A_pattern_matches_whole_actions(string pattern, string action, bool matches) =>
        Assert.Equal(matches, new ActionPattern(pattern).Matches(action));

    [Property(MaxTest = 500)]
    public Property A_pattern_matches_as_a_regular_expression_would()
    {
        var text = Gen.ArrayOf(Gen.Elements('a', 'B', '/', '*')).Select(characters => new string(characters));
        return Prop.ForAll(
            text.ToArbitrary(),
            text.Select(value => value.Replace('*', 'x')).ToArbitrary(),
            (pattern, action) =>
                new ActionPattern(pattern).Matches(action)
                == Regex.IsMatch(
                    action,
                    $"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}$",
                    RegexOptions.IgnoreCase
                )
        );
    }

    [Theory]
    // Owner: everything.
    [InlineData("Owner", "Microsoft.Compute/galleries/share/action", true)]
    [InlineData("Owner", "Microsoft.Authorization/locks/write", true)]
    [InlineData("Owner", "Microsoft.Authorization/deadLetters/write", true)]
    // Contributor: all but access, locks and sharing.
    [InlineData("Contributor", Versions + "/write", true)]
    [InlineData("Contributor", "Microsoft.Compute/snapshots/delete", true)]
    [InlineData("Contributor", "Microsoft.Compute/galleries/share/action", false)]
    [InlineData("Contributor", "MICROSOFT.COMPUTE/GALLERIES/SHARE/ACTION", false)]
    [InlineData("Contributor", "Microsoft.Authorization/roleAssignments/read", true)]
    [InlineData("Contributor", "Microsoft.Authorization/roleAssignments/write", false)]
    [InlineData("Contributor", "Microsoft.Authorization/locks/delete", false)]
    [InlineData("Contributor", "Microsoft.Authorization/deadLetters/write", false)]
    [InlineData("Contributor", "Gallery.Replication/regionAccess/write", true)]
    // Reader: reads.
    [InlineData("Reader", Versions + "/read", true)]
    [InlineData("Reader", "Gallery.Billing/statements/read", true)]
    [InlineData("Reader", Versions + "/write", false)]
    [InlineData("Reader", "Microsoft.Compute/galleries/share/action", false)]
    [InlineData("Compute Gallery Sharing Admin", "Microsoft.Compute/galleries/share/action", true)]
    [InlineData("Compute Gallery Sharing Admin", "Microsoft.Compute/galleries/read", false)]
    [InlineData("Compute Gallery Image Reader", "Microsoft.Compute/galleries/images/read", true)]
    [InlineData("Compute Gallery Image Reader", Versions + "/read", true)]
    [InlineData("Compute Gallery Image Reader", "Microsoft.Compute/galleries/read", false)]
    [InlineData("Compute Gallery Artifacts Publisher", Versions + "/write", true)]
    [InlineData("Compute Gallery Artifacts Publisher", "Microsoft.Compute/snapshots/write", true)]
    [InlineData("Compute Gallery Artifacts Publisher", "Microsoft.Compute/galleries/share/action", false)]
    [InlineData("Compute Gallery Artifacts Publisher", "Microsoft.Authorization/locks/read", true)]
    [InlineData("Compute Gallery Artifacts Publisher", "Microsoft.Authorization/locks/write", false)]
    public void A_built_in_role_has_its_actions(string role, string action, bool has) =>
        Assert.Equal(has, Assert.Single(RoleCatalog.All, each => each.DisplayName == role).Has(action));

    [Fact]
    public void Roles_are_told_apart_and_stand_in_order()
    {
        Assert.Equal(RoleCatalog.All.Count, RoleCatalog.All.DistinctBy(role => role.Id).Count());
        Assert.Equal(RoleCatalog.All.OrderBy(role => role.DisplayName, StringComparer.Ordinal), RoleCatalog.All);
        Assert.All(RoleCatalog.All, role => Assert.True(Guid.TryParseExact(role.Id, "D", out _) && !role.Id.Any(char.IsAsciiLetterUpper)));
    }
}
