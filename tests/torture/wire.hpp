// Wire: one end of a TCP connection that sends and reads at the same time, at the pace and up to the break that a plan
// wants. Of the test's own making down to poll(2): nothing of the product's ring or parser could hide its own fault.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/descriptor.hpp"
#include "tests/torture/plan.hpp"

namespace tests::torture {

// Makes a socket that is not connected yet slow to take or to give, by chance: short segments, small buffers.
void pinch(const core::base::Descriptor& fd, Random& random);

class Wire {
public:
    enum class End : std::uint8_t {
        open,
        orderly,  // FIN came
        broken,   // RST came
        cut,      // we have broken off ourselves
        stuck,    // nothing moved for half a minute: always a fault
    };

    // Makes fd non-blocking.
    explicit Wire(core::base::Descriptor fd);

    // A new message begins: bytes are counted from here, for its cut. Of those that it has received, taken are no
    // longer in our hands.
    void begin(const Pace& reads, const Cut& cut, std::uint64_t seed, std::size_t taken = 0);
    // Bytes to go out behind what is still to go out, while we read or flush.
    void send(std::string bytes, const Pace& pace);
    // FIN, once everything has gone out.
    void finish() { finishing_ = true; }
    // Has everything gone out? Returns when it has, or never will.
    bool flush();

    // The next line without its CRLF; nothing where the connection ends before it does.
    std::optional<std::string> line();
    // Moves the next count bytes behind those in into; false where fewer came.
    bool take(std::size_t count, std::string& into);
    // The same with all that comes until the end.
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
    bool failed_ = false;  // a send has met the RST, and its error is told only once
    End end_ = End::open;
};

}  // namespace tests::torture
