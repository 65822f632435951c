// Plan: everything that happens to one message, derived from its seed alone. The request carries the seed, so the
// server knows the whole plan too. What either end must see is exactly defined (verdict.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/torture/random.hpp"

namespace tests::torture {

enum class Kind : std::uint8_t {
    exchange,
    upgrade,  // an HTTP request that becomes a relay
    relay,    // TCP from the first byte
};

enum class Framing : std::uint8_t { none, length, chunked, until_close };

// A long message is cut into two thousand pieces or so at most; otherwise too few messages would be tried.
inline constexpr std::size_t pieces_max = 1000;

// How a side sends or reads: in pieces of a random size up to piece, with occasional pauses.
struct Pace {
    std::size_t piece = 1 << 20;         // bytes
    std::chrono::microseconds pause{0};  // at most
    unsigned percent = 0;                // of the pieces are followed by a pause
};

// Where a side breaks off: always before its message is complete.
struct Cut {
    enum class Way : std::uint8_t { none, fin, reset };
    enum class While : std::uint8_t { sending, receiving };
    Way way = Way::none;
    While during = While::sending;
    std::uint64_t after = 0;  // bytes of the message, head included

    [[nodiscard]] bool planned() const noexcept { return way != Way::none; }
    [[nodiscard]] bool sending() const noexcept { return planned() && during == While::sending; }
    [[nodiscard]] bool receiving() const noexcept { return planned() && during == While::receiving; }
};

// One end of a message.
struct Side {
    std::uint64_t noise = 0;  // the seed of the body, or of the stream, that it sends
    std::size_t size = 0;     // bytes of that
    Framing framing = Framing::none;
    Pace sends;
    Pace reads;
    Cut cut;
};

struct Plan {
    explicit Plan(std::uint64_t message, Kind of);

    std::uint64_t seed;
    Kind kind;
    Side client;
    Side server;
    std::string method = "GET";
    int minor = 1;
    int status = 200;
    bool expect = false;         // the client waits for a 100 before it sends the body
    bool hints = false;          // the server sends a 103 first
    bool early = false;          // the server answers before it has read the body
    bool client_closes = false;  // says Connection: close
    bool half_closes = false;    // sends FIN behind the request, and reads the answer
    bool server_closes = false;  // says Connection: close
    bool server_leaves = false;  // closes after the answer without announcing it
    std::size_t client_pad = 0;  // extra bytes in heads, so that bodies begin anywhere in a buffer
    std::size_t server_pad = 0;

    // A proxy may repeat it to another server after one has not answered.
    [[nodiscard]] bool repeatable() const noexcept { return method != "POST" && client.framing == Framing::none; }
    // HEAD, 204 and 304 have no body (RFC 9112, 6.3).
    [[nodiscard]] bool bodiless() const noexcept { return method == "HEAD" || status == 204 || status == 304; }
    // May be sent before the answer to the previous one has come.
    [[nodiscard]] bool pipelines() const noexcept;
    // For a person who reads a failure.
    [[nodiscard]] std::string text() const;
};

}  // namespace tests::torture
