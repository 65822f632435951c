// When an attribute has a size that no kernel gives it, libnftnl ends the process (exit, with a line on standard
// error). That is a stop, no crash: the fence process is restarted, and its fences stay. Here it becomes an exception,
// so that fuzzing continues. Include it in one source file of a program, because it replaces exit().
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string_view>

#if !defined(__SANITIZE_ADDRESS__) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace netfilter::fuzz {

struct FailStop {};
inline thread_local bool stops_are_thrown = false;

// Under another name in C++, because <cstdlib> declares that exit() throws nothing.
[[noreturn]] void leave(int code) __asm__("exit");
void leave(int code) {
    if (stops_are_thrown) {
        throw FailStop();
    }
    const auto real = reinterpret_cast<void (*)(int)>(dlsym(RTLD_NEXT, "exit"));
    if (real != nullptr) {
        real(code);
    }
    _exit(code);
}

// The check's result; empty where the library has stopped before the end.
inline std::string_view until_stopped(std::string_view (*check)(std::span<const std::byte>),
                                      std::span<const std::byte> bytes) {
#ifdef __SANITIZE_ADDRESS__
    const __lsan::ScopedDisabler disabler;  // the library's objects are leaked
#endif
    std::string_view trouble;
    stops_are_thrown = true;
    try {
        trouble = check(bytes);
    } catch (const FailStop&) {
        trouble = {};
    }
    stops_are_thrown = false;
    return trouble;
}

}  // namespace netfilter::fuzz
