using Gallery.Cli.Tests.Harness;
using Gallery.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace Gallery.Cli.Tests.Commands;

public sealed class LoginTests
{
    [Fact]
    public async Task Login_as_a_development_principal_says_who_and_which_subscription_and_remembers_it()
    {
        await using var house = await House.StartAsync(signIn: false);
        var result = (await house.RunAsync("login", "--as", "owner")).Succeeded();
        Assert.Contains("owner (Olivia Owner)", result.Out, StringComparison.Ordinal);
        Assert.Contains(TestPrincipal.TenantA, result.Out, StringComparison.Ordinal);
        Assert.Contains(House.Subscription, result.Out, StringComparison.Ordinal);
        var token = (await house.RunAsync("token")).Succeeded().Out.Trim();
        Assert.Equal(3, token.Split('.').Length);
        Assert.Equal($"Bearer {token}", Assert.Single(house.Sharing.Tokens));
    }

    [Fact]
    public async Task The_sign_in_file_is_for_its_owner_only_and_holds_no_secret_of_a_development_principal()
    {
        await using var house = await House.StartAsync();
        var path = house.Line.File("config/session.json");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.DoesNotContain(TestIssuer.ClientSecret, await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_of_ones_own_gives_its_secret_by_variable_or_standard_input(bool byVariable)
    {
        await using var house = await House.StartAsync(signIn: false);
        house.Line.Variables.Remove("GALLERY_DATA", out _);
        if (byVariable)
        {
            house.Line.Variables["GALLERY_CLIENT_SECRET"] = TestIssuer.ClientSecret;
        }
        else
        {
            house.Line.Input = $"{TestIssuer.ClientSecret}\n";
        }

        house.Line.Variables["GALLERY_SHARING_URL"] = house.Services.Url;
        var result = (await house.RunAsync("login", "--client-id", "pipeline", "--authority", house.Issuer.Url, "-o", "json")).Succeeded();
        Assert.Equal("pipeline", (string?)result.Json["name"]);
        Assert.Equal(House.Subscription, (string?)result.Json["subscription"]);
        Assert.DoesNotContain(TestIssuer.ClientSecret, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_is_about_to_end_is_replaced_and_a_fresh_one_is_not()
    {
        await using var house = await House.StartAsync(signIn: false);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        house.Line.Time = time;
        (await house.RunAsync("login", "--as", "owner")).Succeeded();
        time.Advance(TimeSpan.FromMinutes(58));
        (await house.RunAsync("token")).Succeeded();
        Assert.Equal(1, house.Issuer.TokensIssued);
        time.Advance(TimeSpan.FromSeconds(90));
        (await house.RunAsync("token")).Succeeded();
        (await house.RunAsync("token")).Succeeded();
        Assert.Equal(2, house.Issuer.TokensIssued);
    }

    [Fact]
    public async Task Logout_forgets()
    {
        await using var house = await House.StartAsync();
        (await house.RunAsync("logout")).Succeeded();
        (await house.RunAsync("token")).Failed(ExitCode.NotSignedIn);
        Assert.Equal("false", (string?)(await house.RunAsync("logout", "-o", "json")).Succeeded().Json["signedOut"]);
    }

    [Theory]
    [InlineData(ExitCode.NotSignedIn, "login", "--as", "nobody")]
    [InlineData(ExitCode.NotSignedIn, "login", "--as", "reader")] // with a wrong secret
    [InlineData(ExitCode.Usage, "login")]
    [InlineData(ExitCode.Usage, "login", "--as", "owner", "--client-id", "x")]
    [InlineData(ExitCode.Usage, "login", "--client-id", "x")]
    [InlineData(ExitCode.Unavailable, "login", "--as", "owner", "--authority", "http://127.0.0.1:9")]
    [InlineData(ExitCode.Refused, "login", "--as", "owner", "--authority", "http://example.com")]
    public async Task A_login_that_fails_says_why_and_remembers_nothing(int exitCode, params string[] args)
    {
        await using var house = await House.StartAsync(signIn: false);
        (await house.RunAsync(args)).Failed(exitCode);
        (await house.RunAsync("token")).Failed(ExitCode.NotSignedIn);
    }

    [Fact]
    public async Task Somebody_without_a_subscription_may_sign_in_and_must_name_one()
    {
        await using var house = await House.StartAsync(signIn: false);
        house.Sharing.Subscriptions.Clear();
        (await house.RunAsync("login", "--as", "owner")).Succeeded();
        (await house.RunAsync("gallery", "list")).Failed(ExitCode.Usage);
        (await house.RunAsync("gallery", "list", "--subscription", House.Subscription)).Succeeded();
        house.Line.Variables["GALLERY_SUBSCRIPTION"] = House.Subscription;
        (await house.RunAsync("gallery", "list")).Succeeded();
    }

    [Fact]
    public async Task A_damaged_sign_in_file_is_told_as_not_signed_in()
    {
        await using var house = await House.StartAsync();
        await File.WriteAllTextAsync(house.Line.File("config/session.json"), "{ nonsense");
        (await house.RunAsync("gallery", "list")).Failed(ExitCode.NotSignedIn);
    }
}
