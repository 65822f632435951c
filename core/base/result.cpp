#include "core/base/result.hpp"

#include <cstring>

namespace core::base {

std::string Error::line() const {
    std::string text = what;
    if (!why.empty()) {
        text += ": " + why;
    }
    if (!mend.empty()) {
        text += "; " + mend;
    }
    return text;
}

tl::unexpected<Error> fail(std::string what, std::string why, std::string mend) {
    return tl::unexpected<Error>(Error{std::move(what), std::move(why), std::move(mend), 0});
}

tl::unexpected<Error> fail_os(std::string what, int os_error, std::string mend) {
    // strerrordesc_np is thread-safe where strerror is not (glibc 2.32).
    const char* text = strerrordesc_np(os_error);
    return tl::unexpected<Error>(
        Error{std::move(what), text != nullptr ? text : "unknown error", std::move(mend), os_error});
}

}  // namespace core::base
