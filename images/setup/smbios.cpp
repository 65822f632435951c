#include "images/setup/smbios.hpp"

#include <array>
#include <optional>

#include "images/setup/base64.hpp"

namespace images::setup {
namespace {

constexpr std::size_t head_size = 4;  // type, length, handle
constexpr unsigned oem_type = 11;
constexpr unsigned end_type = 127;

}  // namespace

std::vector<std::string> oem_strings(std::span<const std::byte> table) {
    std::vector<std::string> strings;
    while (table.size() >= head_size) {
        const auto type = std::to_integer<unsigned>(table[0]);
        const auto length = std::to_integer<std::size_t>(table[1]);
        if (type == end_type || length < head_size || length > table.size()) {
            break;
        }
        table = table.subspan(length);
        // Strings, each with its zero, and one more zero; two zeros where there is no string.
        std::string text;
        bool ended = false;
        bool any = false;
        std::size_t at = 0;
        for (; at < table.size() && !ended; ++at) {
            if (table[at] != std::byte{0}) {
                text += std::to_integer<char>(table[at]);
                continue;
            }
            if (text.empty()) {
                ended = any || (at + 1 < table.size() && table[at + 1] == std::byte{0});
                at += any ? 0 : 1;
                if (!any && !ended) {
                    return strings;
                }
                continue;
            }
            any = true;
            if (type == oem_type) {
                strings.push_back(text);
            }
            text.clear();
        }
        if (!ended) {
            break;
        }
        table = table.subspan(at);
    }
    return strings;
}

void add_credentials(const std::vector<std::string>& strings, std::map<std::string, std::string>& credentials) {
    constexpr std::string_view plain = "io.systemd.credential:";
    constexpr std::string_view binary = "io.systemd.credential.binary:";
    for (const std::string_view string : strings) {
        const bool is_binary = string.starts_with(binary);
        if (!is_binary && !string.starts_with(plain)) {
            continue;
        }
        const std::string_view rest = string.substr(is_binary ? binary.size() : plain.size());
        const auto equals = rest.find('=');
        if (equals == std::string_view::npos) {
            continue;
        }
        auto value = is_binary ? decode_base64(rest.substr(equals + 1)) : std::string(rest.substr(equals + 1));
        if (value) {
            credentials.try_emplace(std::string(rest.substr(0, equals)), std::move(*value));
        }
    }
}

}  // namespace images::setup
