// Allows every redirect, for tests of a fence process without a supervisor.
#pragma once

#include <span>

#include "core/base/result.hpp"
#include "netfilter/model/redirect.hpp"

namespace tests::support {

inline core::Result<void> allow_any_redirect(std::span<const netfilter::Redirect> /*redirects*/) {
    return {};
}

}  // namespace tests::support
