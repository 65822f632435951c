// Requests that Gatehouse makes itself: checks, and deploys' visits.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace core::http {

// A request without a body, on a connection that ends with its answer. method: a token; target: in origin form; host:
// the Host field's value. headers: more fields, each "Name: value"; none is Host, Connection or a framing field. ours:
// fields that are sent where headers have none of that name.
[[nodiscard]] std::string own_request(std::string_view method, std::string_view target, std::string_view host,
                                      std::span<const std::string> headers,
                                      std::initializer_list<std::pair<std::string_view, std::string_view>> ours);

}  // namespace core::http
