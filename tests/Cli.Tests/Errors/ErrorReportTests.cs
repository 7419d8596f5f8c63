using System.Net.Sockets;
using System.Text.Json.Nodes;
using Gallery.Cli.Errors;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Cli.Tests.Errors;

public sealed class ErrorReportTests
{
    [Fact]
    public void A_bad_parameter_names_its_fields()
    {
        var report = ErrorReport.From(GalleryError.InvalidParameter(("gallery_id", "no dash"), ("gallery.location", "required")));
        Assert.Equal(ExitCode.Refused, report.ExitCode);
        Assert.Equal("InvalidParameter", report.Reason);
        Assert.Equal("INVALID_ARGUMENT", report.Code);
        Assert.Equal(["gallery_id", "gallery.location"], report.Violations.Select(violation => violation.Key));
        var lines = Lines(report);
        Assert.Contains("[InvalidParameter]", lines[0], StringComparison.Ordinal);
        Assert.Contains("  gallery_id: no dash", lines);
    }

    [Fact]
    public void A_refused_change_shows_both_values()
    {
        var lines = Lines(ErrorReport.From(GalleryError.PropertyChangeNotAllowed("image.eula", "a", "b")));
        Assert.Contains("'a'", lines[0], StringComparison.Ordinal);
        Assert.Contains("'b'", lines[0], StringComparison.Ordinal);
        Assert.Equal(2, lines.Length);
    }

    [Fact]
    public void What_the_message_says_already_is_not_said_again()
    {
        var refused = GalleryError.Create(
            StatusCode.NotFound,
            ErrorReason.GalleryImageNotFound,
            "Not served in eastus.",
            new Dictionary<string, string> { ["region"] = "eastus", ["image"] = "galleries/g/images/i" }
        );
        var lines = Lines(ErrorReport.From(refused));
        Assert.Contains("  image: galleries/g/images/i", lines);
        Assert.DoesNotContain(lines, line => line.Contains("region:", StringComparison.Ordinal));

        lines = Lines(ErrorReport.From(GalleryError.InvalidParameter("gallery_id", "no dash")));
        Assert.Equal(["gallery: gallery_id: no dash [InvalidParameter]"], lines);
    }

    [Fact]
    public void Children_that_stand_in_the_way_are_named()
    {
        var report = ErrorReport.From(GalleryError.CannotDelete("galleries/g", "galleries/g/images/i"));
        Assert.Contains(Lines(report), line => line.Contains("galleries/g/images/i", StringComparison.Ordinal));
    }

    [Fact]
    public void When_to_try_again_is_said()
    {
        var report = ErrorReport.From(
            GalleryError.Unavailable(ErrorReason.RegionUnavailable, "eastus does not answer", TimeSpan.FromSeconds(2.5))
        );
        Assert.Equal(ExitCode.Unavailable, report.ExitCode);
        Assert.Contains("  Try again in 2.5 s.", Lines(report));
    }

    [Theory]
    [InlineData(StatusCode.Unauthenticated, ExitCode.NotSignedIn)]
    [InlineData(StatusCode.PermissionDenied, ExitCode.Refused)]
    [InlineData(StatusCode.Unavailable, ExitCode.Unavailable)]
    [InlineData(StatusCode.DeadlineExceeded, ExitCode.Unavailable)]
    [InlineData(StatusCode.NotFound, ExitCode.Refused)]
    [InlineData(StatusCode.Internal, ExitCode.Refused)]
    [InlineData(StatusCode.Cancelled, ExitCode.Refused)]
    public void Every_status_has_an_exit_code_and_words(StatusCode code, int exitCode)
    {
        var report = ErrorReport.From(new RpcException(new Status(code, "")));
        Assert.Equal(exitCode, report.ExitCode);
        Assert.NotEmpty(report.Message);
        Assert.NotEmpty(report.Code!);
    }

    [Fact]
    public void Who_does_not_answer_is_named_with_the_way_to_change_it()
    {
        var refused = new RpcException(new Status(StatusCode.Unavailable, "Error connecting to subchannel."));
        new Callee("catalog", "http://127.0.0.1:1").NoteOn(refused);
        var lines = Lines(ErrorReport.From(refused));
        Assert.Contains("catalog service does not answer at http://127.0.0.1:1", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("GALLERY_CATALOG_URL", StringComparison.Ordinal));
    }

    [Fact]
    public void Ctrl_c_is_not_an_error_of_a_service()
    {
        Assert.Equal(ExitCode.Interrupted, ErrorReport.From(new OperationCanceledException(), interrupted: true).ExitCode);
        Assert.Equal(
            ExitCode.Interrupted,
            ErrorReport.From(new RpcException(new Status(StatusCode.Cancelled, "")), interrupted: true).ExitCode
        );
        Assert.Equal(ExitCode.Unavailable, ErrorReport.From(new OperationCanceledException()).ExitCode);
        Assert.Equal(ExitCode.Refused, ErrorReport.From(GalleryError.NotFound("gallery", "g"), interrupted: true).ExitCode);
    }

    [Fact]
    public void Whatever_else_ends_a_command_is_told_in_words()
    {
        Assert.Equal(ExitCode.Unavailable, ErrorReport.From(new SocketException()).ExitCode);
        Assert.Equal(ExitCode.Refused, ErrorReport.From(new IOException("disk full")).ExitCode);
        Assert.Equal("disk full", ErrorReport.From(new AggregateException(new IOException("disk full"))).Message);
        Assert.Contains("defect", ErrorReport.From(new InvalidOperationException("x")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Control_characters_of_others_do_not_reach_the_terminal() =>
        Assert.DoesNotContain('\u001b', string.Concat(Lines(ErrorReport.From(GalleryError.NotFound("gallery", "a\u001b[31m\u0007b")))));

    [Fact]
    public void Every_reason_is_told_in_json_with_all_that_a_script_needs()
    {
        using var to = new StringWriter();
        ErrorWriter.WriteJson(ErrorReport.From(GalleryError.QuotaExceeded("galleries", 100, 100, "subscriptions/s")), to);
        var error = JsonNode.Parse(to.ToString())!["error"]!;
        Assert.Equal("RESOURCE_EXHAUSTED", (string?)error["code"]);
        Assert.Equal("QuotaExceeded", (string?)error["reason"]);
        Assert.Equal(1, (int?)error["exitCode"]);
        Assert.NotEmpty(error["violations"]!.AsArray());
    }

    private static string[] Lines(ErrorReport report)
    {
        using var to = new StringWriter();
        ErrorWriter.WriteLines(report, to);
        return to.ToString().TrimEnd('\n').Split('\n');
    }
}
