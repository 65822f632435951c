#include "core/proxy/transfer/outbox.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/verify.hpp"

namespace core::proxy {

std::span<char> Outbox::room() {
    if (!scratch_.valid()) {
        scratch_ = memory_.take();
    }
    return scratch_.bytes().subspan(used_);
}

std::span<char> Outbox::room(std::size_t least) {
    VERIFY(used_ == 0);
    if (left() < least) {
        scratch_ = memory_.take(least);
    }
    return room();
}

void Outbox::append(std::string_view bytes) {
    VERIFY(bytes.size() <= left());
    std::memcpy(room().data(), bytes.data(), bytes.size());
    used_ += bytes.size();
}

void Outbox::let_go() noexcept {
    kept_ = false;
    if (used_ == 0) {
        scratch_ = Scratch();
    }
}

io::Task<int> Outbox::flush(std::string_view also) {
    const std::size_t total = used_ + also.size();
    if (total == 0) {
        co_return 0;
    }
    const std::array<std::string_view, 2> pieces{pending(), also};
    int sent = 0;
    deadline_->set(patience_, net::Deadline::Effect::reset);
    if (used_ == 0 || also.empty()) {
        sent = co_await socket_->send(used_ == 0 ? also : pending());
    } else {
        sent = co_await socket_->send(std::span<const std::string_view>(pieces));
    }
    deadline_->clear();
    used_ = 0;
    if (!kept_) {
        let_go();
    }
    if (sent > 0) {
        sent_ += static_cast<std::uint64_t>(sent);
        moved_.copied += static_cast<std::uint64_t>(sent);
    }
    // MSG_WAITALL sends less than all only when the connection broke on the way.
    co_return sent < 0 ? sent : static_cast<std::size_t>(sent) == total ? 0 : -EPIPE;
}

}  // namespace core::proxy
