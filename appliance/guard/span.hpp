// Span: a stretch of time in which something speaks against a deploy.
#pragma once

#include <string>

#include "core/base/duration.hpp"

namespace appliance::guard {

struct Span {
    core::WallTime from;
    core::WallTime until;  // after from
    std::string why;

    friend bool operator==(const Span&, const Span&) = default;
};

}  // namespace appliance::guard
