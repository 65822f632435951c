// Refusal: what is known of bytes that a parser has refused, so that an operator can find the cause. Refusals keeps the
// last ones of each listener and each server, in one worker.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/http/parser.hpp"

namespace core::proxy {

struct Refusal {
    WallTime at{};
    std::string listener{};  // that received a client's bytes; empty: they are a server's
    std::string pool{};      // of the server
    std::string server{};
    std::string client{};
    int status = 0;  // sent to the client
    std::string reason{};
    std::string line{};                   // the first line, as far as it was read, at most line_max bytes, escaped
    std::optional<std::size_t> offset{};  // of the byte where the parser stopped, from the start of the head
    std::optional<unsigned char> byte{};  // that byte; empty where the bytes ended before it
    std::string field{};                  // the field at fault, escaped; empty: none

    static constexpr std::size_t line_max = 256;
};

// Fills at, reason, line, offset, byte and field from the bytes that were refused. parsed: bad; its views point into
// bytes.
void describe(Refusal& refusal, std::string_view bytes, const http::ParseResult& parsed);
// As a JSON object for the log.
std::string print(const Refusal& refusal);

// Of one worker, on its thread.
class Refusals {
public:
    static constexpr std::size_t kept_max = 8;       // of one listener or server
    static constexpr std::size_t places_max = 2048;  // listeners and servers, those that a reload removed included

    void add(Refusal refusal);
    [[nodiscard]] std::vector<Refusal> all() const;

private:
    std::map<std::string, std::deque<Refusal>> last_;
};

// Of several workers' refusals, the last ones of each listener and server, oldest first.
std::vector<Refusal> last_of(std::vector<Refusal> refusals);

}  // namespace core::proxy
