using System.Runtime.CompilerServices;
using System.Text;

namespace Gallery.LocalHosting;

/// <summary>Text with values in it that are known only when the application starts.</summary>
public sealed class ReferenceExpression : IValueProvider, ISecretAware
{
    private readonly IReadOnlyList<object> _parts;

    private ReferenceExpression(IReadOnlyList<object> parts) => _parts = parts;

    internal bool IsSecret => _parts.OfType<ISecretAware>().Any(part => part.IsSecret);

    bool ISecretAware.IsSecret => IsSecret;

    /// <summary>Creates an expression from an interpolated string.</summary>
    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => new(handler.Parts);

    /// <inheritdoc/>
    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        foreach (var part in _parts)
        {
            text.Append(
                part is IValueProvider provider ? await provider.GetValueAsync(cancellationToken).ConfigureAwait(false) : (string)part
            );
        }

        return text.ToString();
    }

    /// <summary>What the compiler calls for the pieces of the interpolated string.</summary>
    /// <param name="literalLength">Length of the fixed text.</param>
    /// <param name="formattedCount">Number of values.</param>
    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        internal List<object> Parts { get; } = new((literalLength > 0 ? 1 : 0) + (2 * formattedCount));

        /// <summary>Adds fixed text.</summary>
        public void AppendLiteral(string value) => Parts.Add(value);

        /// <summary>Adds text that is known already.</summary>
        public void AppendFormatted(string? value) => Parts.Add(value ?? "");

        /// <summary>Adds a value.</summary>
        public void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider => Parts.Add(valueProvider);

        /// <summary>Adds the value of a resource.</summary>
        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider => Parts.Add(valueProvider.Resource);
    }
}
