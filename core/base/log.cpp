#include "core/base/log.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "core/base/thread_name.hpp"

namespace core::base {

Log::Log(int fd) : fd_(fd), thread_([this] { run(); }) {}

Log::~Log() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Log::write(std::string_view lines) {
    {
        const std::lock_guard lock(mutex_);
        if (pending_.size() + lines.size() > pending_max) {
            dropped_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
            return;
        }
        pending_ += lines;
    }
    wake_.notify_one();
}

void Log::flush(Milliseconds patience) {
    std::unique_lock lock(mutex_);
    written_.wait_for(lock, patience, [this] { return pending_.empty() && !writing_; });
}

void Log::run() {
    name_thread("log");
    std::string writing;
    std::unique_lock lock(mutex_);
    while (!ending_ || !pending_.empty()) {
        wake_.wait(lock, [this] { return ending_ || !pending_.empty(); });
        writing.swap(pending_);
        writing_ = true;
        lock.unlock();
        std::string_view rest = writing;
        while (!rest.empty()) {
            const ssize_t written = ::write(fd_, rest.data(), rest.size());
            if (written < 0 && errno == EAGAIN) {
                // Another process that shares the description may have made it non-blocking: a full pipe is no closed
                // one.
                pollfd room{fd_, POLLOUT, 0};
                ::poll(&room, 1, -1);
                continue;
            }
            if (written < 0 && errno != EINTR) {
                dropped_ += static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
                break;  // the reader is gone; traffic continues without a log
            }
            rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
        }
        writing.clear();
        lock.lock();
        writing_ = false;
        written_.notify_all();
    }
}

void append_json(std::string& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else {
            out += c;
        }
    }
}

}  // namespace core::base
