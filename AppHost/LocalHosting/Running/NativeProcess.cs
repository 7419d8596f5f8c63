using System.Globalization;
using System.Runtime.InteropServices;

namespace Gallery.LocalHosting.Running;

/// <summary>The few things about processes that .NET has no name for.</summary>
internal static partial class NativeProcess
{
    public const int Terminate = 15;
    public const int KillAtOnce = 9;

    /// <summary>Sends a signal to a living process and, if it leads a group, to all of the group.</summary>
    public static void Signal(int pid, int signal)
    {
        if (!SignalGroup(pid, signal))
        {
            _ = Kill(pid, signal);
        }
    }

    /// <summary>Sends a signal to what is left of the group that a process leads or led; false if there is nothing.</summary>
    public static bool SignalGroup(int leader, int signal) => Kill(-leader, signal) == 0;

    /// <summary>When a process began, in ticks since the machine did; null if there is no such process or it is a zombie.</summary>
    public static long? StartTicks(int pid)
    {
        try
        {
            // The second field is the program's name in parentheses and may hold anything, so fields are counted from behind it.
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Changes with every start of the machine; start ticks are comparable only within one.</summary>
    public static string BootId()
    {
        const string file = "/proc/sys/kernel/random/boot_id";
        return File.Exists(file) ? File.ReadAllText(file).Trim() : "";
    }

    /// <summary>Resident memory of a process in bytes; 0 if unknown.</summary>
    public static long ResidentBytes(int pid)
    {
        try
        {
            var fields = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/statm")).Split(' ');
            return long.Parse(fields[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
