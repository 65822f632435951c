#include "appliance/config/file/header.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/model/config.hpp"
#include "core/http/fields.hpp"

namespace appliance::config {

core::Result<void> check_header(std::string_view text, std::string_view host_key) {
    using core::http::Known;
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    if (colon == text.size() || !core::http::valid_token(name) || text.size() > Bounds::header_bytes ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (c >= 0x20 && c < 0x7f); })) {
        return core::fail(fmt::format("'{}' is not a name, a colon and a value of at most {} bytes in all",
                                      text.substr(0, 80), Bounds::header_bytes));
    }
    switch (core::http::classify(name)) {
        case Known::host:
            return core::fail(fmt::format("the key '{}' says what Host is", host_key));
        case Known::content_length:
        case Known::transfer_encoding:
        case Known::connection:
        case Known::upgrade:
        case Known::expect:
        case Known::hop_by_hop:
        case Known::unsafe:
            return core::fail(fmt::format("Gatehouse alone says {}", name));
        case Known::other:
        case Known::forwarded_for:
        case Known::forwarded_proto:
        case Known::forwarding:
        case Known::request_id:
        case Known::date:
        case Known::cookie:
            return {};
    }
    return {};
}

std::vector<std::string> read_headers(Section& section, std::string_view key, std::string_view host_key) {
    const Entry* entry = section.find(key);
    if (entry == nullptr) {
        return {};
    }
    const Node& list = entry->value;
    if (list.kind != Kind::list || list.list.size() > Bounds::headers) {
        section.complain(
            key,
            list.kind == Kind::list ? fmt::format("{} are too many", list.list.size())
                                    : fmt::format("it is {}", print(list.kind)),
            fmt::format("write a list of at most {}, such as [\"X-Forwarded-Proto: https\"]", Bounds::headers));
        return {};
    }
    std::vector<std::string> headers;
    for (const Node& node : list.list) {
        const auto sound = node.kind == Kind::text ? check_header(node.text, host_key)
                                                   : core::fail(fmt::format("{} is no header", print(node.kind)));
        if (sound) {
            headers.push_back(node.text);
        } else {
            section.complain(node.at, key, sound.error().what, "write it as \"X-Forwarded-Proto: https\"");
        }
    }
    return headers;
}

}  // namespace appliance::config
