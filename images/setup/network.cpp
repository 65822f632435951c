#include "images/setup/network.hpp"

#include <fmt/format.h>

#include "core/base/address.hpp"
#include "core/base/network.hpp"
#include "images/setup/lines.hpp"

namespace images::setup {
namespace {

using core::base::Address;
using core::base::fail;
using core::base::Result;

// "10.0.0.2/24": a host's address and how long its network is.
Result<std::string> interface_address(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = Address::parse_host(std::string(text.substr(0, slash)), 0);
    if (!address || slash == std::string_view::npos) {
        return fail(fmt::format("'{}' is no address with its prefix", text), "", "write address=10.0.0.2/24");
    }
    unsigned prefix = 0;
    const std::string_view digits = text.substr(slash + 1);
    for (const char c : digits) {
        prefix = c < '0' || c > '9' || prefix > 128 ? 1000 : prefix * 10 + static_cast<unsigned>(c - '0');
    }
    if (digits.empty() || prefix == 0 || prefix > (address->is_v4() ? 32U : 128U)) {
        return fail(fmt::format("'{}' is no prefix", digits), "", "write address=10.0.0.2/24");
    }
    return fmt::format("{}/{}", address->host(), prefix);
}

Result<std::string> host(std::string_view text, std::string_view key) {
    const auto address = Address::parse_host(std::string(text), 0);
    return address ? Result<std::string>(std::string(address->host()))
                   : fail(fmt::format("'{}' is no address", text), "", fmt::format("write {}=10.0.0.1", key));
}

Result<std::string> time_server(std::string_view text) {
    const auto address = Address::parse_host(std::string(text), 0);
    if (!address && !is_host_name(text)) {
        return fail(fmt::format("'{}' is no name and no address", text), "", "write ntp=time.example.org");
    }
    return address ? std::string(address->host()) : std::string(text);
}

}  // namespace

Result<std::string> network_file(std::string_view text) {
    std::string lines;
    bool addressed = false;
    const auto read = each_line(text, [&](const Line& line) -> Result<void> {
        Result<std::string> known = fail(fmt::format("'{}' is not understood", line.text), "",
                                         "write address=10.0.0.2/24, gateway=10.0.0.1, dns=10.0.0.53 and "
                                         "ntp=time.example.org, a line each");
        if (line.key == "address") {
            known = interface_address(line.value).map([](const std::string& it) { return "Address=" + it; });
            addressed = true;
        } else if (line.key == "gateway") {
            known = host(line.value, line.key).map([](const std::string& it) { return "Gateway=" + it; });
        } else if (line.key == "dns") {
            known = host(line.value, line.key).map([](const std::string& it) { return "DNS=" + it; });
        } else if (line.key == "ntp") {
            known = time_server(line.value).map([](const std::string& it) { return "NTP=" + it; });
        }
        return known.map([&lines](const std::string& it) { lines += it + "\n"; });
    });
    if (!read) {
        return tl::unexpected(read.error());
    }
    if (!addressed) {
        return fail("no address in it", "", "write address=10.0.0.2/24, or leave it out for DHCP");
    }
    return "[Match]\nType=ether\n\n[Network]\nDHCP=no\nIPv6AcceptRA=no\n" + lines;
}

}  // namespace images::setup
