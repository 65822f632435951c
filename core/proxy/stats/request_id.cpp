#include "core/proxy/stats/request_id.hpp"

#include <sys/random.h>

#include <algorithm>

#include "core/base/verify.hpp"

namespace core::proxy {
namespace {

void write_hex(std::uint64_t number, char* out) noexcept {
    constexpr std::string_view digits = "0123456789abcdef";
    for (int shift = 60; shift >= 0; shift -= 4) {
        *out++ = digits[number >> shift & 15];
    }
}

}  // namespace

bool good_request_id(std::string_view id) noexcept {
    return !id.empty() && id.size() <= request_id_max && std::all_of(id.begin(), id.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != ',' && c != ';';
    });
}

RequestIds::RequestIds() noexcept {
    // getrandom(2) of eight bytes is never short, and does not wait once the machine has started (random(4)).
    VERIFY(::getrandom(&maker_, sizeof maker_, 0) == sizeof maker_);
}

RequestIds::Text RequestIds::next() noexcept {
    Text text;
    write_hex(maker_, text.data());
    write_hex(count_++, text.data() + 16);
    return text;
}

}  // namespace core::proxy
