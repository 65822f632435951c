#include "appliance/link/first_words.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace appliance::link {
namespace {

// The daemon's standard error, while it is not the child's; -1: it is.
int kept = -1;

}  // namespace

core::Result<FirstWords> FirstWords::make() {
    std::array<int, 2> ends{-1, -1};
    // A child that says more than the pipe holds loses the rest, and is not held up.
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
        return core::fail_os("cannot listen to another process", errno);
    }
    FirstWords words;
    words.own_end_.reset(ends[0]);
    words.child_end_.reset(ends[1]);
    return words;
}

std::string FirstWords::take() {
    std::string text;
    std::array<char, 4096> bytes{};
    for (;;) {
        const ssize_t got = ::read(own_end_.get(), bytes.data(), bytes.size());
        if (got <= 0) {
            return text;
        }
        text.append(bytes.data(), static_cast<std::size_t>(got));
    }
}

std::string as_line(const std::string& words) {
    constexpr std::string_view name = "gatehouse: ";
    std::string line = words.starts_with(name) ? words.substr(name.size()) : words;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    line.resize(std::min(line.size(), FirstWords::line_max));
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

void keep_errors(int fd) noexcept {
    kept = fd;
}

void release_errors() noexcept {
    if (kept >= 0) {
        ::dup3(kept, STDERR_FILENO, 0);  // the sandbox knows no dup2
        ::close(std::exchange(kept, -1));
    }
}

}  // namespace appliance::link
