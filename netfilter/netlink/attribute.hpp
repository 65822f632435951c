// Attribute: finds one value in the attributes of a netlink message. For decoders that need none of a library's
// objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace netfilter {

// The value of the first attribute of that type. Empty where there is none before the end, or before an attribute that
// is cut short. `bytes`: a sequence of attributes. The result points into it.
[[nodiscard]] std::optional<std::span<const std::byte>> find_attribute(std::span<const std::byte> bytes,
                                                                       std::uint16_t type);

// The same, as a number or a structure of exactly that size, in its original byte order.
template <typename Value>
[[nodiscard]] std::optional<Value> read_attribute(std::span<const std::byte> bytes, std::uint16_t type) {
    static_assert(std::is_trivially_copyable_v<Value>);
    const auto found = find_attribute(bytes, type);
    if (!found || found->size() != sizeof(Value)) {
        return std::nullopt;
    }
    Value value{};
    std::memcpy(&value, found->data(), sizeof value);
    return value;
}

}  // namespace netfilter
