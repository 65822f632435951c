// Record: what the log says about one exchange or relay. Filled during it, written once at the end.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/address.hpp"
#include "core/io/wheel.hpp"
#include "core/proxy/stats/request_id.hpp"

namespace core::proxy {

class Record {
public:
    explicit Record(io::Tick begun) noexcept : begun_(begun) {}

    // Copies what must outlive the request's buffer; long targets are cut.
    void request(std::string_view method, std::string_view target) noexcept;
    // Method and target, as far as they are kept.
    [[nodiscard]] std::string first_line() const {
        return std::string(method_.data(), method_size_) + ' ' + std::string(target_.data(), target_size_);
    }
    // Copies the request's id, at most request_id_max bytes.
    void identify(std::string_view id) noexcept;
    [[nodiscard]] std::string_view id() const noexcept { return {id_.data(), id_size_}; }
    // Appends the line, with its newline, to out. client: the sender of the request, with port 0 where that is unknown.
    // peer: of the connection, printed where it differs. now: the loop's clock at the end.
    void print(std::string& out, const Address& client, const Address& peer, io::Tick now) const;

    std::string_view listener;
    std::string_view pool;
    std::string_view backend;                  // the server's name; empty where none was reached
    std::string_view answered_by = "backend";  // backend | gatehouse | nobody
    bool spliced = false;                      // some body bytes went through a pipe; else all were copied
    std::string_view error;                    // empty, or what went wrong
    std::string refused{};                     // what is known of refused bytes, as JSON; empty: none were
    bool broken = false;                       // the answer broke off, and the client was not the cause
    std::uint16_t status = 0;
    std::uint32_t retries = 0;
    std::uint64_t received = 0;  // from the client
    std::uint64_t sent = 0;      // to the client
    io::Tick queued = 0;         // milliseconds in the queue
    io::Tick connected = 0;      // loop's clock when a backend connection was ready; 0: never
    io::Tick answered = 0;       // loop's clock at the first byte of the response; 0: never

    [[nodiscard]] io::Tick begun() const noexcept { return begun_; }

private:
    io::Tick begun_;
    std::uint8_t method_size_ = 0;
    std::uint8_t target_size_ = 0;
    std::uint8_t id_size_ = 0;
    std::array<char, 16> method_{};
    std::array<char, 200> target_{};
    std::array<char, request_id_max> id_{};
};

}  // namespace core::proxy
