#include "appliance/boot/confine/sandbox.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static constexpr bool built_with_sanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
static constexpr bool built_with_sanitizer = true;
#else
static constexpr bool built_with_sanitizer = false;
#endif
#else
static constexpr bool built_with_sanitizer = false;
#endif

namespace appliance::boot {

bool sanitized() noexcept {
    return built_with_sanitizer;
}

core::Result<void> confine(Role role, const std::vector<std::filesystem::path>& folders) {
    if (sanitized()) {
        return {};
    }
    return restrict_files(role, folders).and_then([role] { return restrict_syscalls(role); });
}

}  // namespace appliance::boot
