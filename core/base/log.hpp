// Log: the lines that go to standard output. Threads hand whole lines over; one thread writes them, so a slow reader of
// the log never holds up traffic. Bounded: lines that do not fit are dropped and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/duration.hpp"

namespace core::base {

class Log {
public:
    static constexpr std::size_t pending_max = std::size_t{4} << 20;  // bytes

    // Writes to fd (not owned) until destroyed; the destructor writes what is left.
    explicit Log(int fd);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();

    // Any thread. lines: one or more whole lines, each with its newline.
    void write(std::string_view lines);
    // Waits until all that was handed over so far is written, for patience at most. Any thread.
    void flush(Milliseconds patience);
    // Lines that found no room since the start.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

private:
    void run();

    int fd_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable written_;
    std::string pending_;
    bool ending_ = false;
    bool writing_ = false;
    std::atomic<std::uint64_t> dropped_{0};
    std::thread thread_;
};

// text as a JSON string's inside: quotes, backslashes and control characters escaped, bytes that are not ASCII escaped
// one by one, so that a log line is valid JSON whatever a client sent.
void append_json(std::string& out, std::string_view text);

}  // namespace core::base
