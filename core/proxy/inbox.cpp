#include "core/proxy/inbox.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/verify.hpp"

namespace core::proxy {

std::string_view Inbox::view() const noexcept {
    return empty() ? std::string_view{} : std::string_view(lease_.bytes().data() + begin_, end_ - begin_);
}

bool Inbox::full() const noexcept {
    return lease_.valid() && end_ - begin_ == lease_.bytes().size();
}

void Inbox::consume(std::size_t count) noexcept {
    VERIFY(count <= end_ - begin_);
    begin_ += count;
    if (begin_ == end_) {
        begin_ = end_ = 0;
        lease_.release();
    }
}

Inbox::~Inbox() {
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
    if (!lease_.valid()) {
        const int got = co_await socket_.receive(lease_, data);
        end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
        co_return outcome(got);
    }
    VERIFY(!full());
    if (begin_ != 0) {
        std::memmove(lease_.bytes().data(), lease_.bytes().data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    const int got = co_await socket_.receive(lease_.bytes().subspan(end_));
    if (got > 0) {
        end_ += static_cast<std::size_t>(got);
    }
    co_return outcome(got);
}

int Inbox::outcome(int got) const noexcept {
    return got <= 0 && socket_.aborted() ? -ECANCELED : got;
}

}  // namespace core::proxy
