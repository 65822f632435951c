#include "appliance/base/bounded_json.hpp"

#include <fmt/format.h>

#include <string>

namespace appliance::base {
namespace {

// Behind the string that begins at `at`; the text's size where it does not end.
std::size_t behind_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return at;
}

template <typename Json>
core::Result<Json> read(std::string_view text, const JsonBounds& bounds) {
    return check_bounds(text, bounds).and_then([text]() -> core::Result<Json> {
        Json value = Json::parse(text, nullptr, false);
        if (value.is_discarded()) {
            return core::fail("the text is not JSON");
        }
        return value;
    });
}

}  // namespace

// Up to the first syntax error, this finds the same strings and brackets as the parser.
core::Result<void> check_bounds(std::string_view text, const JsonBounds& bounds) {
    if (text.size() > bounds.bytes) {
        return core::fail("the JSON is too long", fmt::format("it has more than {} bytes", bounds.bytes));
    }
    std::size_t depth = 0;
    std::size_t values = 1;
    for (std::size_t at = 0; at < text.size(); ++at) {
        switch (text[at]) {
            case '"':
                at = behind_string(text, at);
                break;
            case '[':
            case '{':
                ++values;
                if (++depth > bounds.depth) {
                    return core::fail("the JSON is nested too deep", fmt::format("more than {} levels", bounds.depth));
                }
                break;
            case ']':
            case '}':
                depth -= depth > 0 ? 1 : 0;
                break;
            case ',':
                ++values;
                break;
            default:
                break;
        }
        if (values > bounds.values) {
            return core::fail("the JSON has too many values", fmt::format("more than {}", bounds.values));
        }
    }
    return {};
}

core::Result<nlohmann::json> read_json(std::string_view text, const JsonBounds& bounds) {
    return read<nlohmann::json>(text, bounds);
}

core::Result<nlohmann::ordered_json> read_ordered_json(std::string_view text, const JsonBounds& bounds) {
    return read<nlohmann::ordered_json>(text, bounds);
}

}  // namespace appliance::base
