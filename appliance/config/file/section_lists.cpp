// The lists of a section: networks and addresses.
#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/file/section.hpp"
#include "appliance/config/model/config.hpp"
#include "appliance/config/model/resolve.hpp"

namespace appliance::config {
namespace {

// What a list holds at a node, or why it is none.
template <typename Value, typename Parse>
core::Result<Value> read_item(const Node& node, std::string_view noun, std::string_view example, Parse parse) {
    return node.kind == Kind::text ? parse(node.text)
                                   : core::fail(fmt::format("{} is not {}", print(node.kind), noun), "",
                                                fmt::format("write it as \"{}\"", example));
}

}  // namespace

void Section::networks(std::string_view key, std::vector<core::Network>& values) {
    const Entry* entry = find(key);
    if (entry == nullptr) {
        return;
    }
    const Node& list = entry->value;
    if (list.kind != Kind::list || list.list.size() > Bounds::networks) {
        complain(key,
                 list.kind == Kind::list ? fmt::format("{} networks are too many", list.list.size())
                                         : fmt::format("it is {}", print(list.kind)),
                 fmt::format("write a list of at most {}, such as [\"10.0.0.0/8\"]", Bounds::networks));
        return;
    }
    for (const Node& node : list.list) {
        const auto network = read_item<core::Network>(node, "a network", "10.0.0.0/8",
                                                      [](const auto& text) { return core::Network::parse(text); });
        if (!network) {
            complain(node.at, key, network.error().what, network.error().mend);
        } else if (std::find(values.begin(), values.end(), *network) != values.end()) {
            complain(node.at, key, fmt::format("{} stands there twice", network->text()), "leave one of the two out");
        } else {
            values.push_back(*network);
        }
    }
}

void Section::addresses(std::string_view key, std::vector<core::Address>& values) {
    const Entry* entry = find(key);
    if (entry == nullptr) {
        return;
    }
    const Node& list = entry->value;
    if (list.kind != Kind::list || list.list.empty() || list.list.size() > Bounds::sources) {
        complain(key,
                 list.kind == Kind::list ? fmt::format("it has {} addresses", list.list.size())
                                         : fmt::format("it is {}", print(list.kind)),
                 fmt::format("write a list of 1 to {}, such as [\"10.0.0.5\"], or leave it out", Bounds::sources));
        return;
    }
    for (const Node& node : list.list) {
        const auto address = read_item<core::Address>(
            node, "an address", "10.0.0.5", [](const auto& text) { return core::Address::parse_host(text, 0); });
        if (!address) {
            complain(node.at, key, address.error().what, address.error().mend);
        } else if (is_unspecified(*address)) {
            complain(node.at, key, fmt::format("'{}' is no machine's address", node.text),
                     "write an address of this machine");
        } else if (std::find(values.begin(), values.end(), *address) != values.end()) {
            complain(node.at, key, fmt::format("{} stands there twice", address->host()), "leave one of the two out");
        } else {
            values.push_back(*address);
        }
    }
}

}  // namespace appliance::config
