#include "core/proxy/transfer/inbox.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/verify.hpp"

namespace core::proxy {

std::string_view Inbox::view() const noexcept {
    return empty() ? std::string_view{} : std::string_view(room().data() + begin_, end_ - begin_);
}

bool Inbox::full() const noexcept {
    return !empty() && end_ - begin_ == room().size();
}

bool Inbox::widen(WideInboxes& wide, std::size_t size) {
    VERIFY(size > end_ - begin_);
    if (wide_ == nullptr && !wide.take()) {
        return false;
    }
    auto memory = std::make_unique_for_overwrite<char[]>(size);
    const std::string_view there = view();
    std::ranges::copy(there, memory.get());
    begin_ = 0;
    end_ = there.size();
    lease_.release();
    wide_ = std::move(memory);
    wide_home_ = &wide;
    wide_size_ = static_cast<std::uint32_t>(size);
    return true;
}

void Inbox::release() noexcept {
    lease_.release();
    if (wide_ != nullptr) {
        wide_.reset();
        wide_home_->give_back();
    }
}

void Inbox::consume(std::size_t count) noexcept {
    VERIFY(count <= end_ - begin_);
    begin_ += count;
    if (begin_ == end_) {
        begin_ = end_ = 0;
        release();
    }
}

Inbox::~Inbox() {
    release();
    if (ahead_ != nullptr) {
        io::ReceiveAhead::abandon(std::move(ahead_));
    }
}

io::Task<int> Inbox::fill(io::Data data) {
    if (ahead_ != nullptr) {
        io::ReceiveAhead& ahead = *ahead_;  // g++ 12 would copy what `co_await *ahead_` names
        const int got = co_await ahead;
        lease_ = ahead.take();
        ahead_.reset();
        end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        co_return outcome(got);
    }
    if (!lease_.valid() && wide_ == nullptr) {
        const int got = co_await socket_.receive(lease_, data);
        end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        co_return outcome(got);
    }
    VERIFY(!full());
    if (begin_ != 0) {
        std::memmove(room().data(), room().data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    const int got = co_await socket_.receive(room().subspan(end_));
    if (got > 0) {
        end_ += static_cast<std::size_t>(got);
    }
    co_return outcome(got);
}

int Inbox::outcome(int got) const noexcept {
    return got <= 0 && socket_.aborted() ? -ECANCELED : got;
}

}  // namespace core::proxy
