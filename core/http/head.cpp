#include "core/http/head.hpp"

namespace core::http {

bool RequestHead::is_idempotent() const noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" || method == "PUT" ||
           method == "DELETE";
}

void RequestHead::clear() noexcept {
    method = target = path = query = authority = host = upgrade = {};
    port = 0;
    minor = 1;
    keep_alive = https = expect_continue = false;
    framing = {};
    fields.clear();
    rewritten.reset();
}

void ResponseHead::clear() noexcept {
    reason = upgrade = {};
    status = 0;
    minor = 1;
    keep_alive = length_describes = false;
    framing = {};
    fields.clear();
    oddities = {};
    rewritten.reset();
}

}  // namespace core::http
