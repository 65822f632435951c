#include "core/io/accept.hpp"

#include <cerrno>

#include "core/base/verify.hpp"

namespace core::io {

Accept::~Accept() {
    VERIFY(!running_);
}

void Accept::start(int listening) {
    VERIFY(!running_);
    running_ = true;
    io_uring_sqe* sqe = loop_.entry(*this);
    io_uring_prep_multishot_accept(sqe, listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

void Accept::cancel() {
    if (running_) {
        loop_.cancel(*this);
    }
}

void Accept::on_result(Completion& self, int result, std::uint32_t flags) {
    auto& accept = static_cast<Accept&>(self);
    accept.running_ = (flags & IORING_CQE_F_MORE) != 0;
    if (result >= 0) {
        accept.owner_.on_connection(base::Descriptor(result));
    }
    if (!accept.running_) {
        // A multishot accept may also end after a success (completion queue overflow): no error.
        accept.owner_.on_accept_end(result >= 0 || result == -ECANCELED ? 0 : -result);
    }
}

}  // namespace core::io
