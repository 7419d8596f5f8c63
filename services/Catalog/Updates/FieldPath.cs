using System.Collections;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Gallery.Catalog.Updates;

/// <summary>
/// A path to a field of a message, in the names of the proto: <c>publishing_profile.replica_count</c>. Paths lead through singular
/// messages only; a repeated field or a map is taken as a whole.
/// </summary>
internal static class FieldPath
{
    /// <summary>Whether the path leads to a field of the message type.</summary>
    public static bool Exists(MessageDescriptor type, string path)
    {
        var segments = path.Split('.');
        for (var depth = 0; depth < segments.Length; depth++)
        {
            if (type.FindFieldByName(segments[depth]) is not { } field)
            {
                return false;
            }

            if (depth < segments.Length - 1)
            {
                if (!IsBranch(field))
                {
                    return false;
                }

                type = field.MessageType;
            }
        }

        return true;
    }

    /// <summary>Whether one path is the other, or leads to a part of what the other leads to.</summary>
    public static bool IsAtOrBelow(string path, string other) =>
        path.StartsWith(other, StringComparison.Ordinal) && (path.Length == other.Length || path[other.Length] == '.');

    /// <summary>The paths of all fields that are set, each as deep as it goes.</summary>
    public static IEnumerable<string> SetLeaves(IMessage message, string prefix = "")
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder().Where(field => IsSet(message, field)))
        {
            var path = prefix + field.Name;
            if (!IsBranch(field))
            {
                yield return path;
                continue;
            }

            foreach (var leaf in SetLeaves((IMessage)field.Accessor.GetValue(message), path + "."))
            {
                yield return leaf;
            }
        }
    }

    /// <summary>Whether the field at the end of the path is set: for a field without presence, whether it differs from its default.</summary>
    public static bool IsSet(IMessage message, string path) =>
        Parent(message, path, create: false) is var (parent, field) && parent is not null && IsSet(parent, field);

    /// <summary>Whether two messages of a type have the same at a path.</summary>
    public static bool AreEqual(IMessage one, IMessage other, string path) => Equals(Value(one, path), Value(other, path));

    /// <summary>Makes the target have at the path what the source has there: a value, or nothing.</summary>
    public static void Copy(IMessage source, IMessage target, string path)
    {
        var (from, field) = Parent(source, path, create: false);
        var set = from is not null && IsSet(from, field);
        var (to, _) = Parent(target, path, create: set);
        if (to is null)
        {
            return; // Nothing on either side.
        }

        field.Accessor.Clear(to);
        if (!set)
        {
            return;
        }

        var value = field.Accessor.GetValue(from);
        if (field.IsMap)
        {
            var map = (IDictionary)field.Accessor.GetValue(to);
            foreach (DictionaryEntry entry in (IDictionary)value)
            {
                map.Add(entry.Key, Cloned(entry.Value!));
            }
        }
        else if (field.IsRepeated)
        {
            var list = (IList)field.Accessor.GetValue(to);
            foreach (var item in (IList)value)
            {
                list.Add(Cloned(item!));
            }
        }
        else
        {
            field.Accessor.SetValue(to, Cloned(value));
        }
    }

    /// <summary>What stands at a path, in words for an error message.</summary>
    public static string Describe(IMessage message, string path) =>
        Value(message, path) switch
        {
            null => "",
            System.Enum value => value.ToString(),
            var value => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };

    private static object? Value(IMessage message, string path)
    {
        var (parent, field) = Parent(message, path, create: false);
        return parent is null || !IsSet(parent, field) ? null : field.Accessor.GetValue(parent);
    }

    private static (IMessage? Parent, FieldDescriptor Field) Parent(IMessage message, string path, bool create)
    {
        var segments = path.Split('.');
        var type = message.Descriptor;
        IMessage? current = message;
        foreach (var segment in segments[..^1])
        {
            var branch = type.FindFieldByName(segment);
            type = branch.MessageType;
            if (current is null)
            {
                continue;
            }

            var next = (IMessage?)branch.Accessor.GetValue(current);
            if (next is null && create)
            {
                next = branch.MessageType.Parser.ParseFrom(ByteString.Empty);
                branch.Accessor.SetValue(current, next);
            }

            current = next;
        }

        return (current, type.FindFieldByName(segments[^1]));
    }

    // A message that is looked into. Timestamps and the like are values.
    private static bool IsBranch(FieldDescriptor field) =>
        field.FieldType == FieldType.Message
        && !field.IsRepeated
        && !field.MessageType.FullName.StartsWith("google.protobuf.", StringComparison.Ordinal);

    private static bool IsSet(IMessage message, FieldDescriptor field)
    {
        if (field.HasPresence)
        {
            return field.Accessor.HasValue(message);
        }

        return field.Accessor.GetValue(message) switch
        {
            ICollection collection => collection.Count > 0,
            string text => text.Length > 0,
            ByteString bytes => bytes.Length > 0,
            var number => Convert.ToDouble(number, CultureInfo.InvariantCulture) != 0,
        };
    }

    private static object Cloned(object value) =>
        value is IMessage message ? message.Descriptor.Parser.ParseFrom(message.ToByteArray()) : value;
}
