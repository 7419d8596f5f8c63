using Google.Protobuf;
using Spectre.Console;

namespace Gallery.Cli.Output;

/// <summary>Writes a command's result to standard output, in the format that was asked for.</summary>
internal sealed class ResultWriter(TextWriter to, OutputFormat format, bool terminal)
{
    /// <summary>True when scripts read it: then nothing but JSON may be written.</summary>
    public bool IsJson => format == OutputFormat.Json;

    /// <summary>Writes one resource: its JSON, or a line for each of its properties that says something.</summary>
    public void WriteResource(IMessage message, IEnumerable<(string Title, string Text)> properties)
    {
        if (IsJson)
        {
            to.WriteLine(Json.Of(message));
            return;
        }

        var said = properties.Where(property => property.Text.Length > 0).ToList();
        var width = said.Max(property => property.Title.Length) + 2;
        foreach (var (title, text) in said)
        {
            to.WriteLine($"{title.PadRight(width)}{text}");
        }
    }

    /// <summary>Writes a list: a JSON array of the messages, or a table with a row each.</summary>
    public void WriteList<T>(IReadOnlyList<T> messages, params ReadOnlySpan<Column<T>> columns)
        where T : IMessage
    {
        if (IsJson)
        {
            to.WriteLine(Json.Of(messages.Cast<IMessage>()));
            return;
        }

        WriteTable(messages, columns);
    }

    /// <summary>Writes one message as JSON, or the parts of it as a table.</summary>
    public void WriteParts<T>(IMessage message, IReadOnlyList<T> rows, params ReadOnlySpan<Column<T>> columns)
    {
        if (IsJson)
        {
            to.WriteLine(Json.Of(message));
            return;
        }

        WriteTable(rows, columns);
    }

    /// <summary>Writes a sentence for people; nothing when scripts read.</summary>
    public void Say(string sentence)
    {
        if (!IsJson)
        {
            to.WriteLine(sentence);
        }
    }

    /// <summary>Writes a JSON object of our own when scripts read, and the sentence otherwise.</summary>
    public void WriteFact(string sentence, params ReadOnlySpan<(string Name, string Value)> members)
    {
        if (!IsJson)
        {
            to.WriteLine(sentence);
            return;
        }

        var copy = members.ToArray();
        to.WriteLine(
            Json.Write(json =>
            {
                json.WriteStartObject();
                foreach (var (name, value) in copy)
                {
                    json.WriteString(name, value);
                }

                json.WriteEndObject();
            })
        );
    }

    private void WriteTable<T>(IReadOnlyList<T> rows, ReadOnlySpan<Column<T>> columns)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns)
        {
            var head = new TableColumn(new Text(column.Title, new Style(decoration: Decoration.Bold)))
            {
                NoWrap = true,
                Padding = new Padding(0, 0, 2, 0),
            };
            table.AddColumn(column.AlignRight ? head.RightAligned() : head);
        }

        foreach (var row in rows)
        {
            var cells = new Text[columns.Length];
            for (var i = 0; i < columns.Length; i++)
            {
                cells[i] = new Text(columns[i].Text(row));
            }

            table.AddRow(cells);
        }

        // As wide as it needs to be, on a terminal too: a name that is broken in two can't be copied. Without what pads the last column.
        using var lines = new StringWriter();
        Terminals.Unlimited(lines, terminal).Write(table);
        foreach (var line in lines.ToString().TrimEnd().Split('\n'))
        {
            to.WriteLine(line.TrimEnd());
        }
    }
}
