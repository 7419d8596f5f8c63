using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Region.Stores;

/// <summary>The few system calls that .NET does not offer.</summary>
internal static partial class Posix
{
    private const int OpenReadOnly = 0;
    private const int OpenCloseOnExec = 0x80000;
    private const int OpenWriteOnly = 1;
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int NoSuchDeviceOrAddress = 6;
    private const int FileTooLarge = 27;
    private const int InvalidArgument = 22;
    private const int NoSpace = 28;
    private const int QuotaExceeded = 122;
    private const uint SyncFileRangeWrite = 2;
    private const int AdviceDontNeed = 4;
    private const int CurrentFolder = -100;

    // `struct statx` is the same on every architecture; the device is two numbers of 32 bits.
    private const int StatxSize = 256;
    private const int StatxDeviceAt = 136;

    // The only flags whose values differ between the architectures that .NET runs on.
    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int OpenDirectory = IsArm ? 0x4000 : 0x10000;
    private static readonly int OpenDirect = IsArm ? 0x10000 : 0x4000;

    /// <summary>Makes the names in a folder durable: created, renamed and removed files.</summary>
    public static void FlushDirectory(string path)
    {
        var descriptor = Open(path, OpenReadOnly | OpenDirectory | OpenCloseOnExec);
        if (descriptor < 0)
        {
            throw new IOException($"The folder {path} can't be opened: error {Marshal.GetLastPInvokeError()}.");
        }

        try
        {
            if (FSync(descriptor) != 0)
            {
                throw new IOException($"The folder {path} can't be flushed: error {Marshal.GetLastPInvokeError()}.");
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>
    /// Finds the next run of data of a sparse file at or behind an offset. False when there is none. On a file system that keeps no map of its
    /// holes the rest of the file is one run.
    /// </summary>
    public static bool TryFindData(SafeFileHandle file, long offset, long fileLength, out long start, out long end)
    {
        start = offset;
        end = fileLength;
        if (offset >= fileLength)
        {
            return false;
        }

        start = Seek(file, offset, SeekData);
        if (start < 0)
        {
            start = offset;
            return Marshal.GetLastPInvokeError() != NoSuchDeviceOrAddress;
        }

        end = Seek(file, start, SeekHole);
        end = end < 0 ? fileLength : end;
        return true;
    }

    /// <summary>Starts to write dirty pages of a range to the disk without waiting, so that a later flush has little left to do.</summary>
    public static void StartWriteback(SafeFileHandle file, long offset, long length) =>
        // A hint: where it is not supported, the flush does all the work.
        _ = SyncFileRange(file, offset, length, SyncFileRangeWrite);

    /// <summary>
    /// Opens an existing file for writing past the page cache: with offsets, lengths and memory that are multiples of a page, bytes go to the
    /// disk without being copied. Null where the file system can't.
    /// </summary>
    public static SafeFileHandle? TryOpenDirect(string path)
    {
        var descriptor = Open(path, OpenWriteOnly | OpenDirect | OpenCloseOnExec);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>True for the error that says that offset, length or memory do not suit the file.</summary>
    public static bool IsInvalidArgument(IOException exception) => exception.HResult == InvalidArgument;

    /// <summary>Drops the clean pages of a range from the system's cache.</summary>
    public static void DropCached(SafeFileHandle file, long offset, long length) =>
        // A hint: where it is not supported, the cache is read.
        _ = Advise(file, offset, length, AdviceDontNeed);

    /// <summary>True for errors that say "there is no room".</summary>
    public static bool IsOutOfSpace(IOException exception) => exception.HResult is NoSpace or QuotaExceeded or FileTooLarge;

    /// <summary>The device that a file or folder lies on; null where the system does not tell.</summary>
    public static ulong? DeviceOf(string path)
    {
        try
        {
            Span<byte> facts = stackalloc byte[StatxSize];
            return Statx(CurrentFolder, path, flags: 0, mask: 0, facts) == 0 ? MemoryMarshal.Read<ulong>(facts[StatxDeviceAt..]) : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, Span<byte> facts);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);
}
