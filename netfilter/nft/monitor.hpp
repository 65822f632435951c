// Monitor: tells when somebody else has changed one of our tables, and who it was. The kernel announces every commit
// with the process that made it; one look a second at the ruleset's generation catches what an announcement missed.
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
    std::string process;           // the culprit's name; empty: not known, because an announcement was lost
    std::uint32_t pid = 0;         // its thread, as the first process namespace counts; 0: not known
    std::uint32_t generation = 0;  // of the ruleset, after the change; 0: not known
};

class Monitor {
public:
    using Clock = std::chrono::steady_clock;
    // The first of many changes is told at once, those that follow it no more often than this, where open() is not
    // told otherwise.
    static constexpr std::chrono::milliseconds debounce{1};
    static constexpr std::chrono::milliseconds audit_step{1'000};

    // table: an inet table. own_port: the netlink port of whoever changes it by right. step: see debounce.
    // receive_buffer, in bytes, is for tests that want announcements to be lost. Errors: no CAP_NET_ADMIN, no
    // nf_tables.
    static core::Result<Monitor> open(std::string_view table, std::uint32_t own_port,
                                      std::chrono::milliseconds step = debounce, int receive_buffer = 8 << 20);
    // Over any datagram socket that does not block, for tests that make announcements up. port: the netlink port to
    // which answers about the generation come.
    Monitor(core::base::Descriptor descriptor, std::string_view table, std::uint32_t own_port, std::uint32_t port,
            std::chrono::milliseconds step = debounce);

    // Readable when there is something to read().
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    // Takes in what the kernel has announced, as far as one call should. Never blocks.
    void read(Clock::time_point now);
    // When take() has something to do again, at the latest.
    [[nodiscard]] Clock::time_point next() const;
    // A change by somebody else that has not been told yet; of several the first. Looks at the generation when due.
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
    bool suspected_ = false;                   // the last look found a generation that was not announced
    Clock::time_point quiet_until_{};
    Clock::time_point audit_at_{};
};

}  // namespace netfilter
