using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Tests.Errors;

public sealed class GalleryErrorTests
{
    public static TheoryData<RpcException, StatusCode, ErrorReason, string[]> Errors() =>
        new()
        {
            { GalleryError.InvalidParameter("a", "b"), StatusCode.InvalidArgument, ErrorReason.InvalidParameter, ["a"] },
            { GalleryError.NotFound("gallery", "n"), StatusCode.NotFound, ErrorReason.ResourceNotFound, ["gallery", "'n'"] },
            { GalleryError.ParentNotFound("gallery", "n"), StatusCode.NotFound, ErrorReason.ParentResourceNotFound, ["gallery", "'n'"] },
            { GalleryError.AlreadyExists("gallery", "n"), StatusCode.AlreadyExists, ErrorReason.ResourceAlreadyExists, ["gallery", "'n'"] },
            {
                GalleryError.PropertyChangeNotAllowed("t", "c", "r"),
                StatusCode.FailedPrecondition,
                ErrorReason.PropertyChangeNotAllowed,
                ["'t'", "'c'", "'r'"]
            },
            { GalleryError.CannotDelete("n", "child"), StatusCode.FailedPrecondition, ErrorReason.CannotDeleteResource, ["'n'"] },
            {
                GalleryError.QuotaExceeded("galleries", 100, 99, "s"),
                StatusCode.ResourceExhausted,
                ErrorReason.QuotaExceeded,
                ["100", "99", "galleries"]
            },
            {
                GalleryError.OperationNotAllowed("n", "It is being deleted."),
                StatusCode.Aborted,
                ErrorReason.OperationNotAllowed,
                ["'n'", "deleted"]
            },
            { GalleryError.EtagMismatch("n"), StatusCode.Aborted, ErrorReason.EtagMismatch, ["'n'"] },
            { GalleryError.RequestIdReused("r"), StatusCode.FailedPrecondition, ErrorReason.RequestIdReused, ["'r'"] },
            { GalleryError.AuthenticationFailed("m"), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed, ["m"] },
            {
                GalleryError.AuthorizationFailed("a/write", "s"),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed,
                ["a/write", "'s'"]
            },
            {
                GalleryError.LinkedAuthorizationFailed("a/read", "s"),
                StatusCode.PermissionDenied,
                ErrorReason.LinkedAuthorizationFailed,
                ["a/read", "'s'"]
            },
            { GalleryError.ScopeLocked("l", "s"), StatusCode.FailedPrecondition, ErrorReason.ScopeLocked, ["'l'", "'s'"] },
            { GalleryError.DependencyUnavailable("d"), StatusCode.Unavailable, ErrorReason.DependencyUnavailable, ["'d'"] },
            {
                GalleryError.NotSupportedYet("Do that instead."),
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                ["Do that instead."]
            },
        };

    [Theory]
    [MemberData(nameof(Errors))]
    public void An_error_says_what_is_wrong_to_people_and_programs(RpcException error, StatusCode code, ErrorReason reason, string[] said)
    {
        Assert.Equal((code, reason), (error.StatusCode, GalleryError.ReasonOf(error)));
        Assert.All(said, text => Assert.Contains(text, error.Status.Detail, StringComparison.Ordinal));
        var status = error.GetRpcStatus()!;
        Assert.Equal((int)code, status.Code);
        Assert.Equal(reason.ToString(), status.GetDetail<ErrorInfo>()!.Reason);
        Assert.Equal("gallery", status.GetDetail<ErrorInfo>()!.Domain);
    }

    [Fact]
    public void All_violations_are_told_at_once()
    {
        var violations = new Violations();
        violations.ThrowIfAny();
        violations.Add("a", "1").AddIf(false, "b", "2").AddIf(true, "c", "3");

        var error = Assert.Throws<RpcException>(violations.ThrowIfAny);
        var fields = error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations;
        Assert.Equal([("a", "1"), ("c", "3")], fields.Select(field => (field.Field, field.Description)));
    }

    [Fact]
    public void However_much_is_wrong_an_error_stays_small_enough_for_the_trailers()
    {
        var huge = new string('x', 100_000);
        RpcException[] errors =
        [
            GalleryError.InvalidParameter([.. Enumerable.Range(0, 50).Select(i => ($"{huge}{i}", huge))]),
            GalleryError.CannotDelete(huge, [.. Enumerable.Range(0, 50).Select(_ => huge)]),
            GalleryError.PropertyChangeNotAllowed(huge, huge, huge),
            GalleryError.AuthorizationFailed(huge, huge),
            GalleryError.QuotaExceeded(huge, 1, 1, huge),
        ];
        Assert.All(
            errors,
            error => Assert.InRange(error.Trailers.Sum(entry => entry.ValueBytes.Length) + error.Status.Detail.Length, 1, 24_000)
        );
    }

    [Fact]
    public void An_error_without_our_details_has_no_reason()
    {
        Assert.Equal(ErrorReason.Unspecified, GalleryError.ReasonOf(new RpcException(new Grpc.Core.Status(StatusCode.NotFound, "x"))));
        var broken = new RpcException(
            new Grpc.Core.Status(StatusCode.NotFound, "x"),
            new Metadata { { "grpc-status-details-bin", [255, 255] } }
        );
        Assert.Equal(ErrorReason.Unspecified, GalleryError.ReasonOf(broken));
    }
}
