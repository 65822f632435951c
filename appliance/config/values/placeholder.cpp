#include "appliance/config/values/placeholder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "appliance/config/values/nearest.hpp"

namespace appliance::config {
namespace {

constexpr std::array<std::string_view, 3> known_words{"server", "host", "port"};

struct Placeholder {
    std::size_t begin = 0;  // of the first brace
    std::size_t end = 0;    // behind the last one
    std::string_view word;
    bool literal = false;  // doubled
};

bool begins_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool continues_word(char c) {
    return begins_word(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':';
}

// The word between a brace at `at` and the next one that closes; empty where there is something else.
std::string_view word_in_braces(std::string_view text, std::size_t at) {
    if (at >= text.size() || text[at] != '{' || at + 1 >= text.size() || !begins_word(text[at + 1])) {
        return {};
    }
    const auto rest = text.substr(at + 1);
    const auto size =
        static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), continues_word) - rest.begin());
    const auto word = rest.substr(0, size);
    return size < rest.size() && rest[size] == '}' && word.find("..") == std::string_view::npos ? word
                                                                                                : std::string_view();
}

std::optional<Placeholder> find_placeholder(std::string_view text, std::size_t from) {
    for (std::size_t at = text.find('{', from); at != std::string_view::npos; at = text.find('{', at + 1)) {
        if (at > 0 && text[at - 1] == '$') {
            // "${{word}}" is no placeholder of ours either.
            at += !word_in_braces(text, at + 1).empty() ? 1 : 0;
            continue;
        }
        if (const auto word = word_in_braces(text, at + 1); !word.empty()) {
            const std::size_t end = at + word.size() + 3;
            if (end < text.size() && text[end] == '}') {
                return Placeholder{at, end + 1, word, true};
            }
        }
        if (const auto word = word_in_braces(text, at); !word.empty()) {
            return Placeholder{at, at + word.size() + 2, word, false};
        }
    }
    return std::nullopt;
}

std::string_view value_of(std::string_view word, const Filling& filling) {
    return word == "server" ? filling.server : word == "host" ? filling.host : filling.port;
}

}  // namespace

core::Result<void> check_placeholders(std::string_view command) {
    for (auto found = find_placeholder(command, 0); found; found = find_placeholder(command, found->end)) {
        if (found->literal || std::count(known_words.begin(), known_words.end(), found->word) > 0) {
            continue;
        }
        const auto near = nearest(found->word, known_words);
        const std::string known = near.empty() ? "known are {server}, {host} and {port}; for"
                                               : fmt::format("did you mean '{{{}}}'? For", near);
        return core::fail(fmt::format("'{{{}}}' in the command names nothing", found->word), "",
                          fmt::format("{} literal braces write '{{{{{}}}}}'", known, found->word));
    }
    return {};
}

std::string fill_placeholders(std::string_view command, const Filling& filling) {
    std::string filled;
    std::size_t done = 0;
    for (auto found = find_placeholder(command, 0); found; found = find_placeholder(command, found->end)) {
        filled += command.substr(done, found->begin - done);
        if (found->literal) {
            filled += command.substr(found->begin + 1, found->word.size() + 2);
        } else if (std::count(known_words.begin(), known_words.end(), found->word) > 0) {
            filled += value_of(found->word, filling);
        } else {
            filled += command.substr(found->begin, found->end - found->begin);
        }
        done = found->end;
    }
    return filled += command.substr(done);
}

}  // namespace appliance::config
