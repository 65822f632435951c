#include "netfilter/protocol/redirect_protocol.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/base/verify.hpp"

namespace netfilter::wire {
namespace {

RedirectItem make_forwarding() {
    RedirectItem item{};
    item.part = static_cast<std::uint8_t>(RedirectPart::forwarding);
    return item;
}

bool is_forwarding(std::span<const RedirectItem> items) {
    return !items.empty() && items.front().part == static_cast<std::uint8_t>(RedirectPart::forwarding);
}

RedirectItem make_item(RedirectPart part, const core::Address& address) {
    RedirectItem item{};
    item.part = static_cast<std::uint8_t>(part);
    item.family = address.is_v4() ? 4 : 6;
    item.port = address.port();
    item.address = address.bytes();
    return item;
}

core::Result<core::Address> address_of(const RedirectItem& item) {
    sockaddr_storage storage{};
    if (item.family == 4) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, item.address.data(), sizeof in.sin_addr);
    } else if (item.family == 6) {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        std::memcpy(&in.sin6_addr, item.address.data(), sizeof in.sin6_addr);
    } else {
        return core::fail("invalid redirect", "unknown address family");
    }
    return core::Address::from(storage).with_port(item.port);
}

core::Result<Redirect> listener_of(const RedirectItem& item) {
    const auto address = address_of(item);
    const auto end = std::find(item.name.begin(), item.name.end(), '\0');
    if (!address || end == item.name.end() || item.masquerade > 1 ||
        item.spread > static_cast<std::uint8_t>(Spread::source)) {
        return core::fail("invalid redirect", "a name without an end, or an unknown family, spread or flag");
    }
    return Redirect{
        std::string(item.name.begin(), end), *address, static_cast<Spread>(item.spread), item.masquerade == 1, {}};
}

core::Result<RedirectBackend> backend_of(const RedirectItem& item) {
    const auto address = address_of(item);
    if (!address || item.backup > 1 || item.eligible > 1) {
        return core::fail("invalid redirect", "an unknown family or flag");
    }
    return RedirectBackend{*address, item.weight, item.backup == 1, item.eligible == 1};
}

template <typename Packet>
void put(std::span<const RedirectItem> items, Packet& packet) {
    VERIFY(items.size() <= redirect_items_max);
    if (!items.empty()) {  // memcpy takes no null pointer, not even for size 0
        std::memcpy(packet.items.data(), items.data(), items.size_bytes());
    }
    packet.count = static_cast<decltype(packet.count)>(items.size());
}

template <typename Packet>
std::vector<RedirectItem> take(const Packet& packet) {
    std::vector<RedirectItem> items(std::min<std::size_t>(packet.count, redirect_items_max));
    if (!items.empty()) {
        std::memcpy(items.data(), packet.items.data(), items.size() * sizeof(RedirectItem));
    }
    return items;
}

}  // namespace

std::vector<RedirectItem> pack_redirects(std::span<const Redirect> redirects, Forward forward) {
    std::vector<RedirectItem> items{make_forwarding()};
    items.front().forward = static_cast<std::uint8_t>(forward);
    for (const auto& redirect : redirects) {
        auto item = make_item(RedirectPart::listener, redirect.listener);
        item.spread = static_cast<std::uint8_t>(redirect.spread);
        item.masquerade = redirect.masquerade ? 1 : 0;
        VERIFY(redirect.name.size() < item.name.size());
        std::copy(redirect.name.begin(), redirect.name.end(), item.name.begin());
        items.push_back(item);
        for (const auto& backend : redirect.backends) {
            item = make_item(RedirectPart::backend, backend.address);
            item.weight = backend.weight;
            item.backup = backend.backup ? 1 : 0;
            item.eligible = backend.eligible ? 1 : 0;
            items.push_back(item);
        }
    }
    return items;
}

core::Result<RedirectOrder> unpack_redirects(std::span<const RedirectItem> items) {
    if (!is_forwarding(items) || items.front().forward > static_cast<std::uint8_t>(Forward::no_more)) {
        return core::fail("invalid redirect", "it does not say what is to become of forwarding");
    }
    RedirectOrder order{{}, static_cast<Forward>(items.front().forward)};
    auto& redirects = order.redirects;
    for (const auto& item : items.subspan(1)) {
        if (item.part == static_cast<std::uint8_t>(RedirectPart::listener)) {
            auto redirect = listener_of(item);
            if (!redirect) {
                return tl::unexpected(redirect.error());
            }
            redirects.push_back(std::move(*redirect));
        } else if (item.part == static_cast<std::uint8_t>(RedirectPart::backend) && !redirects.empty()) {
            const auto backend = backend_of(item);
            if (!backend) {
                return tl::unexpected(backend.error());
            }
            redirects.back().backends.push_back(*backend);
        } else {
            return core::fail("invalid redirect", "neither a listener nor a backend of one");
        }
    }
    if (auto valid = validate(redirects); !valid) {
        return tl::unexpected(valid.error());
    }
    return order;
}

std::vector<RedirectItem> pack_state(const RedirectState& state) {
    std::vector<RedirectItem> items{make_forwarding()};
    items.front().before = static_cast<std::uint32_t>(state.before);
    items.front().ours = state.forwarded.ours ? 1 : 0;
    items.front().lingers = state.forwarded.lingers ? 1 : 0;
    items.front().os_error = state.forwarded.os_error;
    for (const auto& count : state.counts) {
        items.push_back(make_item(RedirectPart::listener, count.listener));
        items.push_back(make_item(RedirectPart::backend, count.backend));
        items.back().slots = count.slots;
        items.back().connections = count.connections;
    }
    return items;
}

core::Result<RedirectState> unpack_state(std::span<const RedirectItem> items) {
    RedirectState state;
    if (!is_forwarding(items) || items.front().before > static_cast<std::uint32_t>(Before::unknown) ||
        items.front().ours > 1 || items.front().lingers > 1 || items.front().os_error < 0) {
        return core::fail("invalid counts of redirects", "an unknown state before, or of forwarding");
    }
    state.before = static_cast<Before>(items.front().before);
    state.forwarded = {items.front().ours == 1, items.front().lingers == 1, items.front().os_error};
    for (std::size_t i = 1; i + 1 < items.size(); i += 2) {
        const auto listener = address_of(items[i]);
        const auto backend = address_of(items[i + 1]);
        if (!listener || !backend) {
            return core::fail("invalid counts of redirects", "unknown address family");
        }
        state.counts.push_back({*listener, *backend, items[i + 1].slots, items[i + 1].connections});
    }
    return state;
}

void put_items(std::span<const RedirectItem> items, Request& request) {
    put(items, request);
}
void put_items(std::span<const RedirectItem> items, Reply& reply) {
    put(items, reply);
}
std::vector<RedirectItem> take_items(const Request& request) {
    return take(request);
}
std::vector<RedirectItem> take_items(const Reply& reply) {
    return take(reply);
}

}  // namespace netfilter::wire
