#include "appliance/config/values/server_command.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/values/placeholder.hpp"
#include "appliance/tls/digest.hpp"

namespace appliance::config {
namespace {

constexpr std::size_t host_bytes = 253;  // RFC 1035
constexpr std::size_t server_bytes = 63;

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// A word that begins with '-' would be an option of the command.
bool is_plain(std::string_view word, std::size_t size_max, std::string_view others, std::string_view first) {
    return !word.empty() && word.size() <= size_max &&
           (is_letter_or_digit(word.front()) || first.find(word.front()) != std::string_view::npos) &&
           std::all_of(word.begin(), word.end(),
                       [others](char c) { return is_letter_or_digit(c) || others.find(c) != std::string_view::npos; });
}

}  // namespace

std::string_view print(Purpose purpose) noexcept {
    return purpose == Purpose::run ? "run" : "rollback";
}

std::string fill(std::string_view recipe_text, const ServerCommand& command) {
    return fill_placeholders(recipe_text, {command.server, command.host, std::to_string(command.port)});
}

core::Result<void> check_values(const ServerCommand& command) {
    if (!is_plain(command.server, server_bytes, "-_.", "")) {
        return core::fail(fmt::format("'{}' is no server's name", command.server));
    }
    if (!is_plain(command.host, host_bytes, "-_.:", ":")) {
        return core::fail(fmt::format("'{}' is no address of {}", command.host, command.server));
    }
    if (command.port == 0) {
        return core::fail(fmt::format("{} has no port", command.server));
    }
    return {};
}

std::string digest_of(const std::vector<ServerCommand>& commands) {
    // Each field with its size before it: no two lists have the same text.
    std::string all = "gatehouse commands\n";
    for (const ServerCommand& command : commands) {
        for (const std::string_view field : {print(command.purpose), std::string_view(command.server),
                                             std::string_view(command.host), std::string_view(command.text)}) {
            all += fmt::format("{}:{}", field.size(), field);
        }
        all += fmt::format("{}\n", command.port);
    }
    return tls::sha256_hex(all);
}

}  // namespace appliance::config
