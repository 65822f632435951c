#include "images/stage0/command_line.hpp"

#include "images/stage0/gpt.hpp"

namespace images::stage0 {
namespace {

constexpr std::string_view blanks = " \t\n";
constexpr std::string_view key = "roothash=";

std::string quote(std::string_view word) {
    std::string text(1, '\'');
    return text.append(word).append(1, '\'');
}

// Cuts the first word off; empty where there is none.
std::string_view next(std::string_view& text) noexcept {
    const auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return text = {};
    }
    const auto end = text.find_first_of(blanks, begin);
    const std::string_view word = text.substr(begin, end - begin);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end);
    return word;
}

}  // namespace

std::optional<std::string_view> check_command_line(std::string_view is, std::string_view sealed, std::string& why) {
    std::string_view hash;
    for (std::string_view word = next(is); !word.empty(); word = next(is)) {
        if (hash.empty() && word.starts_with(key)) {
            hash = word.substr(key.size());
            if (!parse_hash(hash)) {
                why = quote(word).append(" is no root hash");
                return std::nullopt;
            }
            continue;
        }
        if (const std::string_view expected = next(sealed); word != expected) {
            why = quote(word).append(" was not signed");
            return std::nullopt;
        }
    }
    if (const std::string_view missing = next(sealed); !missing.empty()) {
        why = quote(missing).append(" is missing");
        return std::nullopt;
    }
    if (hash.empty()) {
        why = "it has no roothash=";
        return std::nullopt;
    }
    return hash;
}

}  // namespace images::stage0
