// Wire: one end of a TCP connection. It sends and reads at the same time, with a plan's pace and break. The test's own
// code down to poll(2): a fault of the product's ring or parser cannot hide itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/descriptor.hpp"
#include "tests/torture/plan.hpp"

namespace tests::torture {

// Makes a socket that is not connected yet slow to receive or to send, at random: short segments, small buffers.
void pinch(const core::base::Descriptor& fd, Random& random);

class Wire {
public:
    enum class End : std::uint8_t {
        open,
        orderly,  // FIN came
        broken,   // RST came
        cut,      // we have broken off
        stuck,    // nothing moved for half a minute: always a fault
    };

    // Makes fd non-blocking.
    explicit Wire(core::base::Descriptor fd);

    // Begins a new message: its cut counts bytes from here. taken: how many of its received bytes were already taken.
    void begin(const Pace& reads, const Cut& cut, std::uint64_t seed, std::size_t taken = 0);
    // Queues bytes, to be sent while we read or flush.
    void send(std::string bytes, const Pace& pace);
    // Sends FIN after all queued bytes.
    void finish() { finishing_ = true; }
    // Sends all queued bytes. Returns when they are sent, or cannot be.
    bool flush();

    // The next line without its CRLF; empty where the connection ends before it does.
    std::optional<std::string> line();
    // Appends the next count bytes to into; false where fewer came.
    bool take(std::size_t count, std::string& into);
    // The same for all bytes until the end.
    void take_all(std::string& into);
    [[nodiscard]] End end() const noexcept { return end_; }

private:
    using Clock = std::chrono::steady_clock;
    // We can still send.
    [[nodiscard]] bool alive() const noexcept { return end_ == End::open || end_ == End::orderly; }
    bool fill();
    void step(bool reading);
    void write_piece();
    void read_piece();
    void break_where_planned();
    [[nodiscard]] Clock::time_point after_piece(const Pace& pace);

    core::base::Descriptor fd_;
    Random random_{0};
    std::string out_;
    std::size_t out_at_ = 0;
    Pace sends_;
    Pace reads_;
    Cut cut_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::chrono::microseconds paused_{0};
    Clock::time_point write_at_{};
    Clock::time_point read_at_{};
    std::string in_;
    std::size_t in_at_ = 0;
    bool finishing_ = false;
    bool failed_ = false;  // a send has met the RST; its error is reported only once
    End end_ = End::open;
};

}  // namespace tests::torture
