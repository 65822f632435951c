#include "core/base/descriptor.hpp"

#include <unistd.h>

namespace core::base {

void Descriptor::reset(int fd) noexcept {
    if (fd_ >= 0) {
        ::close(fd_);
    }
    fd_ = fd;
}

}  // namespace core::base
