// Result<T>: what a function returns when the outside world can make it fail. An Error is made where the failure is
// known best, and an operator reads it. So its one line says what failed, why, and what to do.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace core::base {

struct Error {
    std::string what;  // what failed: "cannot listen on 0.0.0.0:80"
    std::string why;   // the cause: "address already in use"; may be empty
    std::string mend;  // what to do: "stop the other program or change listen.web.address"; may be empty
    int os_error = 0;  // errno of a failed system call, else 0

    // "what: why; mend", leaving out what is empty.
    [[nodiscard]] std::string line() const;
};

template <typename T, typename E = Error>
using Result = tl::expected<T, E>;

// Builds the unexpected side of any Result<T>.
[[nodiscard]] tl::unexpected<Error> fail(std::string what, std::string why = {}, std::string mend = {});

// The same for a failed system call: why is the text of os_error (a positive errno).
[[nodiscard]] tl::unexpected<Error> fail_os(std::string what, int os_error, std::string mend = {});

}  // namespace core::base

namespace core {
using base::Error;
using base::fail;
using base::fail_os;
using base::Result;
}  // namespace core
