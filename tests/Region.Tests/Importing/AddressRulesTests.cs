using System.Net;
using Gallery.Region.Imports;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Tests.Importing;

public sealed class AddressRulesTests
{
    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("20.60.1.1", true)]
    [InlineData("172.15.255.255", true)]
    [InlineData("172.32.0.0", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("64:ff9b::808:808", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.255.255.254", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("198.19.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("::7f00:1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("64:ff9b:1::1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2002:a9fe:a9fe::1", false)]
    [InlineData("2001:0:53aa:64c::1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fd12::1", false)]
    [InlineData("ff02::1", false)]
    public void Only_what_everybody_can_reach_is_public(string address, bool isPublic) =>
        Assert.Equal(isPublic, AddressRules.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("mirror.local", "mirror.local", 80, true)]
    [InlineData("mirror.local", "MIRROR.local", 443, true)]
    [InlineData("mirror.local:8080", "mirror.local", 8080, true)]
    [InlineData("mirror.local:8080", "mirror.local", 80, false)]
    [InlineData("*.local", "a.b.local", 80, true)]
    [InlineData("*.local", "local", 80, false)]
    [InlineData("*.local", "evillocal", 80, false)]
    [InlineData("[::1]:8080", "::1", 8080, true)]
    [InlineData("[::1]", "[::1]", 80, true)]
    [InlineData("10.0.0.1", "10.0.0.10", 80, false)]
    public void Hosts_are_matched_by_name_and_port(string rule, string host, int port, bool fits) =>
        Assert.Equal(fits, new HostRules(Options.Create(new ImportOptions { PrivateHosts = [rule] })).MayBePrivate(host, port));
}
