// VERIFY(condition): for conditions that only a bug of ours can break. On in release builds too, because a proxy that
// continues with a broken invariant corrupts traffic. What the outside world can cause is a Result instead.
#pragma once

namespace core::base {

// Prints the broken condition with file and line to standard error, and aborts.
[[noreturn]] void verify_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace core::base

#define VERIFY(condition)                                                     \
    (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                       : ::core::base::verify_failed(#condition, __FILE__, __LINE__))
