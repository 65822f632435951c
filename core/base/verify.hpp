// VERIFY(condition): for what only a bug of our own can make false. On in release builds too, because a proxy that
// goes on with a broken invariant corrupts somebody's traffic. What the outside world can cause is a Result instead.
#pragma once

namespace core::base {

// Prints the broken condition with its place to standard error and aborts.
[[noreturn]] void verify_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace core::base

#define VERIFY(condition)                                                     \
    (__builtin_expect(static_cast<bool>(condition), 1) ? static_cast<void>(0) \
                                                       : ::core::base::verify_failed(#condition, __FILE__, __LINE__))
