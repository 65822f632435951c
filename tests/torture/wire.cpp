#include "tests/torture/wire.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tests::torture {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 30s;
void set(const core::base::Descriptor& fd, int level, int option, int value) {
    ::setsockopt(fd.get(), level, option, &value, sizeof value);
}

// All pauses of one message together. Limited, so that many messages are tried, slow ones among them.
constexpr auto pauses_max = 200ms;

}  // namespace

void pinch(const core::base::Descriptor& fd, Random& random) {
    // Loopback's segments of 64 KiB would not fit a small buffer, and would only move with the persist timer.
    set(fd, IPPROTO_TCP, TCP_MAXSEG, 1448);
    if (random.chance(30)) {
        set(fd, SOL_SOCKET, random.chance(50) ? SO_RCVBUF : SO_SNDBUF, static_cast<int>(8192 << random.below(4)));
    }
}

Wire::Wire(core::base::Descriptor fd) : fd_(std::move(fd)) {
    set(fd_, IPPROTO_TCP, TCP_NODELAY, 1);
    ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
}

void Wire::begin(const Pace& reads, const Cut& cut, std::uint64_t seed, std::size_t taken) {
    reads_ = reads;
    cut_ = cut;
    random_ = Random(seed);
    sent_ = 0;
    received_ = taken + in_.size() - in_at_;
    paused_ = 0us;
}

void Wire::send(std::string bytes, const Pace& pace) {
    out_.erase(0, out_at_);
    out_at_ = 0;
    out_ += bytes;
    sends_ = pace;
    // Of messages sent together, one may be long and the last one's pieces tiny: limits their number as make_pace does.
    sends_.piece = std::max(sends_.piece, out_.size() / pieces_max);
}

bool Wire::flush() {
    while (alive() && !failed_ && (out_at_ < out_.size() || finishing_)) {
        step(false);
    }
    return alive() && !failed_;
}

std::optional<std::string> Wire::line() {
    std::size_t looked = in_at_;
    for (;;) {
        const std::size_t at = in_.find("\r\n", looked);
        if (at != std::string::npos) {
            std::string found = in_.substr(in_at_, at - in_at_);
            in_at_ = at + 2;
            return found;
        }
        const std::size_t unread = in_.size() - in_at_;
        if (!fill()) {
            return std::nullopt;
        }
        looked = in_at_ + (unread > 0 ? unread - 1 : 0);
    }
}

bool Wire::take(std::size_t count, std::string& into) {
    while (count > 0) {
        if (in_at_ == in_.size() && !fill()) {
            return false;
        }
        const std::size_t size = std::min(count, in_.size() - in_at_);
        into.append(in_, in_at_, size);
        in_at_ += size;
        count -= size;
    }
    return true;
}

void Wire::take_all(std::string& into) {
    do {
        into.append(in_, in_at_);
        in_at_ = in_.size();
    } while (fill());
}

// Receives more bytes; false where none come any more.
bool Wire::fill() {
    in_.erase(0, in_at_);
    in_at_ = 0;
    const std::size_t before = in_.size();
    while (end_ == End::open && in_.size() == before) {
        step(true);
    }
    return in_.size() > before;
}

// Waits until something can be done, and does it.
void Wire::step(bool reading) {
    break_where_planned();
    if (!alive()) {
        return;
    }
    if (finishing_ && out_at_ == out_.size()) {
        finishing_ = false;
        ::shutdown(fd_.get(), SHUT_WR);
        return;
    }
    const auto now = Clock::now();
    const bool writing = out_at_ < out_.size();
    const bool may_read = reading && read_at_ <= now;
    const bool may_write = writing && write_at_ <= now;
    auto until = now + patience;
    until = reading && !may_read ? std::min(until, read_at_) : until;
    until = writing && !may_write ? std::min(until, write_at_) : until;
    pollfd entry{fd_.get(), static_cast<short>((may_read ? POLLIN : 0) | (may_write ? POLLOUT : 0)), 0};
    const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(until - now).count();
    const timespec limit{wait / 1'000'000'000, wait % 1'000'000'000};
    const int ready = ::ppoll(&entry, 1, &limit, nullptr);
    if (ready == 0 && until == now + patience) {
        end_ = End::stuck;
    } else if (ready > 0) {
        // After an end or an error, the pace is not kept.
        const bool over = (entry.revents & (POLLERR | POLLHUP)) != 0;
        if (writing && (over || (entry.revents & POLLOUT) != 0)) {
            write_piece();
        }
        if (end_ == End::open && reading && (over || (entry.revents & POLLIN) != 0)) {
            read_piece();
        }
    }
    break_where_planned();
}

void Wire::write_piece() {
    std::uint64_t size = std::min<std::uint64_t>(out_.size() - out_at_, 1 + random_.below(sends_.piece));
    if (cut_.sending()) {
        size = std::min(size, cut_.after - sent_);
    }
    const ssize_t sent = ::send(fd_.get(), out_.data() + out_at_, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (errno != EAGAIN) {
            failed_ = true;
            out_.clear();
            out_at_ = 0;
        }
        return;
    }
    out_at_ += static_cast<std::size_t>(sent);
    sent_ += static_cast<std::uint64_t>(sent);
    write_at_ = after_piece(sends_);
}

void Wire::read_piece() {
    std::array<char, 65536> memory;
    const std::size_t size = std::min<std::size_t>(memory.size(), 1 + random_.below(reads_.piece));
    const ssize_t got = ::recv(fd_.get(), memory.data(), size, MSG_DONTWAIT);
    if (got > 0) {
        in_.append(memory.data(), static_cast<std::size_t>(got));
        received_ += static_cast<std::uint64_t>(got);
        read_at_ = after_piece(reads_);
    } else if (got == 0) {
        end_ = failed_ ? End::broken : End::orderly;
    } else if (errno != EAGAIN) {
        end_ = End::broken;
    }
}

Wire::Clock::time_point Wire::after_piece(const Pace& pace) {
    const auto now = Clock::now();
    if (pace.percent == 0 || paused_ > pauses_max || !random_.chance(pace.percent)) {
        return now;
    }
    const std::chrono::microseconds pause(random_.below(static_cast<std::uint64_t>(pace.pause.count()) + 1));
    paused_ += pause;
    return now + pause;
}

void Wire::break_where_planned() {
    if (!cut_.planned() || !alive() || (cut_.sending() ? sent_ : received_) < cut_.after) {
        return;
    }
    out_.clear();
    out_at_ = 0;
    finishing_ = false;
    if (cut_.way == Cut::Way::fin) {
        ::shutdown(fd_.get(), SHUT_WR);
    } else {
        const linger at_once{1, 0};
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        fd_.reset();
        end_ = End::cut;
    }
    cut_ = {};
}

}  // namespace tests::torture
