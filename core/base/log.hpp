// Log: the lines that go to standard output. Threads hand over whole lines, and one thread writes them: a slow reader
// of the log delays no traffic. Bounded: lines that do not fit are dropped and counted.
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
    // Waits until all lines handed over so far are written, at most for patience. Any thread.
    void flush(Milliseconds patience);
    // Lines dropped since the start.
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

// Appends text as the inside of a JSON string. Escapes quotes, backslashes, control characters and each byte that is
// not ASCII. So a log line is valid JSON whatever a client sent.
void append_json(std::string& out, std::string_view text);

}  // namespace core::base
