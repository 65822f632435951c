#include "core/http/forwarded.hpp"

#include "core/http/fields.hpp"

namespace core::http {
namespace {

// Up to the first mark outside of a quoted string, which is taken from text with it.
std::string_view take_until(std::string_view& text, char mark) noexcept {
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (quoted && text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            quoted = !quoted;
        } else if (text[at] == mark && !quoted) {
            const std::string_view part = text.substr(0, at);
            text.remove_prefix(at + 1);
            return part;
        }
    }
    const std::string_view part = text;
    text = {};
    return part;
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace

std::string_view forwarded_proto(std::string_view value) noexcept {
    std::string_view last;
    while (!value.empty()) {
        const std::string_view element = trim(take_until(value, ','));
        last = element.empty() ? last : element;  // RFC 9110 5.6.1.2: empty elements of a list are ignored
    }
    std::string_view found;
    while (!last.empty()) {
        const std::string_view pair = trim(take_until(last, ';'));
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || !equals_ignoring_case(pair.substr(0, equals), "proto")) {
            continue;
        }
        found = pair.substr(equals + 1);
        if (found.size() >= 2 && found.front() == '"' && found.back() == '"') {
            found = found.substr(1, found.size() - 2);
        }
    }
    return valid_token(found) ? found : std::string_view();
}

}  // namespace core::http
