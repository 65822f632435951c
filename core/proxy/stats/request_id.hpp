// RequestId: the name of one request in our log and in the servers' logs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace core::proxy {

inline constexpr std::size_t request_id_max = 64;

// Whether an id from another sender may be kept: 1 to request_id_max visible ASCII characters, none of which needs
// quoting in a log or a list.
[[nodiscard]] bool good_request_id(std::string_view id) noexcept;

// Makes ids that no other worker, process or machine makes: 64 random bits of the maker, and a count. They are unique,
// not secret: one id reveals the next. One for each worker, on its thread.
class RequestIds {
public:
    RequestIds() noexcept;
    using Text = std::array<char, 32>;
    // 32 hexadecimal digits.
    [[nodiscard]] Text next() noexcept;

private:
    std::uint64_t maker_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace core::proxy
