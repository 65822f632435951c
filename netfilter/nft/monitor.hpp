// Monitor: reports when another program has changed one of our tables, and which one it was. The kernel announces every
// commit with its process. One read of the ruleset's generation each second finds commits with a lost announcement.
// Used by the one thread of the fence process (watch.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

struct ForeignChange {
    std::string process;           // the program's name; empty: unknown, because an announcement was lost
    std::uint32_t pid = 0;         // its thread, as the initial PID namespace counts; 0: unknown
    std::uint32_t generation = 0;  // of the ruleset, after the change; 0: unknown
};

class Monitor {
public:
    using Clock = std::chrono::steady_clock;
    // The first of many changes is reported at once, later ones no more often than this. open() may set another
    // interval.
    static constexpr std::chrono::milliseconds debounce{1};
    static constexpr std::chrono::milliseconds audit_step{1'000};

    // table: an inet table. own_port: the netlink port of its rightful writer. step: see debounce. receive_buffer, in
    // bytes, is for tests that need lost announcements. Errors: no CAP_NET_ADMIN, no nf_tables.
    static core::Result<Monitor> open(std::string_view table, std::uint32_t own_port,
                                      std::chrono::milliseconds step = debounce, int receive_buffer = 8 << 20);
    // Over any non-blocking datagram socket, for tests that forge announcements. port: the netlink port that gets the
    // answers about the generation.
    Monitor(core::base::Descriptor descriptor, std::string_view table, std::uint32_t own_port, std::uint32_t port,
            std::chrono::milliseconds step = debounce);

    // Readable when there is something to read().
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    // Reads a limited number of the kernel's announcements. Never blocks.
    void read(Clock::time_point now);
    // The latest time at which take() must be called again.
    [[nodiscard]] Clock::time_point next() const;
    // A change by another program that was not returned yet; of several the first. Requests the generation when due.
    std::optional<ForeignChange> take(Clock::time_point now);

private:
    void audit();
    void take_in(const Message& message, Clock::time_point now);
    void take_commit(const Message& message, std::uint32_t sender);
    void compare(std::uint32_t generation, Clock::time_point now);
    void lose();

    core::base::Descriptor descriptor_;
    std::string table_;
    std::uint32_t own_port_;
    std::uint32_t port_;  // of this socket
    std::chrono::milliseconds step_;
    std::vector<std::byte> buffer_;
    std::optional<ForeignChange> pending_;
    std::optional<std::uint32_t> generation_;  // the last one announced
    bool touched_ = false;                     // the commit being announced changes our table
    bool suspected_ = false;                   // the last read found a generation that was not announced
    Clock::time_point quiet_until_{};
    Clock::time_point audit_at_{};
};

}  // namespace netfilter
