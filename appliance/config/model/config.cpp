#include "appliance/config/model/config.hpp"

#include <algorithm>

#include "appliance/config/model/words.hpp"
#include "core/base/verify.hpp"

namespace appliance::config {
namespace {

template <typename Enum, std::size_t size>
std::string_view word(const Words<Enum, size>& words, Enum value) noexcept {
    const auto* found =
        std::find_if(words.begin(), words.end(), [value](const auto& candidate) { return candidate.second == value; });
    VERIFY(found != words.end());
    return found->first;
}

template <typename Item>
const Item* named(const std::vector<Item>& items, std::string_view name) noexcept {
    const auto found = std::find_if(items.begin(), items.end(), [name](const Item& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

std::string_view print(Mode mode) noexcept {
    return word(mode_words, mode);
}
std::string_view print(Balance balance) noexcept {
    return word(balance_words, balance);
}
std::string_view print(Role role) noexcept {
    return word(role_words, role);
}
std::string_view print(Plane plane) noexcept {
    return word(plane_words, plane);
}
std::string_view print(FenceMode mode) noexcept {
    return word(fence_mode_words, mode);
}
std::string_view print(GuardKind kind) noexcept {
    return word(guard_kind_words, kind);
}
std::string_view print(CheckType type) noexcept {
    return word(check_type_words, type);
}

bool Backend::has_address() const noexcept {
    return address.with_port(0) != core::Address();
}

const Pool* Config::pool(std::string_view name) const noexcept {
    return named(pools, name);
}
const Recipe* Config::recipe(std::string_view name) const noexcept {
    return named(recipes, name);
}

const Server* Config::server(std::string_view name) const noexcept {
    return named(servers, name);
}
bool Config::in_kernel(const Listener& listener) const noexcept {
    const Pool* its = pool(listener.pool);
    return its != nullptr && its->plane == Plane::kernel;
}

}  // namespace appliance::config
