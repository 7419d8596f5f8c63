namespace Gallery.Region.Content;

/// <summary>Walks over the fields of one protobuf message in a buffer and tells where their bytes are, without copying them.</summary>
/// <param name="buffer">The buffer.</param>
/// <param name="start">Where the message begins.</param>
/// <param name="end">First byte behind it.</param>
internal ref struct WireReader(ReadOnlySpan<byte> buffer, int start, int end)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _buffer = buffer[..end];
    private int _at = start;

    /// <summary>The number of the field read last.</summary>
    public int Field { get; private set; }

    /// <summary>Its value when it is a number; 0 for any other.</summary>
    public ulong Number { get; private set; }

    /// <summary>Where its bytes begin, when it has some.</summary>
    public int Start { get; private set; }

    /// <summary>How many bytes it has; -1 when it is no field of bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Goes to the next field; false at the end of the message.</summary>
    /// <exception cref="InvalidDataException">What stands there is no field.</exception>
    public bool Next()
    {
        if (_at == _buffer.Length)
        {
            return false;
        }

        var tag = ReadVarint();
        (Field, Number, Start, Length) = ((int)(tag >> 3), 0, _at, -1);
        switch ((int)(tag & 7))
        {
            case Varint:
                Number = ReadVarint();
                break;
            case Fixed64:
                Skip(sizeof(ulong));
                break;
            case Fixed32:
                Skip(sizeof(uint));
                break;
            case Bytes:
                var length = ReadVarint();
                Start = _at;
                Skip(length);
                Length = (int)length;
                break;
            default:
                throw Malformed();
        }

        return true;
    }

    private static InvalidDataException Malformed() => new("The bytes are not a protobuf message.");

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64 && _at < _buffer.Length; shift += 7)
        {
            var b = _buffer[_at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw Malformed();
    }

    private void Skip(ulong length)
    {
        if (length > (ulong)(_buffer.Length - _at))
        {
            throw Malformed();
        }

        _at += (int)length;
    }
}
