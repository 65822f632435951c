#include "core/base/verify.hpp"

#include <cstdio>
#include <cstdlib>

namespace core::base {

void verify_failed(const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "gatehouse: broken invariant %s at %s:%d; please report this as a bug\n", condition, file,
                 line);
    std::abort();
}

}  // namespace core::base
