// Refusal: why a command was not carried out, with the HTTP status that says so to programs.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "appliance/config/file/problem.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

struct Refusal {
    int status = 500;
    core::Error error;
    std::vector<std::string> problems;  // of a configuration: "file:line:column: what; mend"
};

template <typename T>
using Outcome = tl::expected<T, Refusal>;

[[nodiscard]] inline tl::unexpected<Refusal> refuse(int status, core::Error error) {
    return tl::unexpected(Refusal{status, std::move(error), {}});
}

// 422 with every problem. A configuration that is invalid has changed nothing.
[[nodiscard]] Refusal refuse_configuration(const config::Problems& problems);

// 503 where another process is away or stuck and a later try may work, else 500.
[[nodiscard]] tl::unexpected<Refusal> refuse(core::Error error);

}  // namespace appliance::control
