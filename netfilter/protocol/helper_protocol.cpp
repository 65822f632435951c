#include "netfilter/protocol/helper_protocol.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/clock.hpp"
#include "core/base/verify.hpp"
#include "netfilter/protocol/redirect_protocol.hpp"

namespace netfilter::wire {
namespace {

using Word = std::array<char, word_max>;

void put(Word& out, std::string_view text) {
    VERIFY(text.size() < out.size());
    std::copy(text.begin(), text.end(), out.begin());
}

// Empty when the closing zero is missing or bytes other than zero follow it.
std::optional<std::string> get(const Word& in) {
    const auto end = std::find(in.begin(), in.end(), '\0');
    if (end == in.end() || std::any_of(end, in.end(), [](char c) { return c != '\0'; })) {
        return std::nullopt;
    }
    return std::string(in.begin(), end);
}

core::WallTime time_of(std::int64_t milliseconds) {
    return core::WallTime(core::Milliseconds(milliseconds));
}

core::Result<core::Address> unpack_address(const Item& item) {
    sockaddr_storage storage{};
    if (item.family == 4) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, item.address.data(), sizeof in.sin_addr);
        if (std::any_of(item.address.begin() + 4, item.address.end(), [](auto byte) { return byte != 0; })) {
            return core::fail("invalid change", "an IPv4 address has 4 bytes");
        }
    } else if (item.family == 6) {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        std::memcpy(&in.sin6_addr, item.address.data(), sizeof in.sin6_addr);
    } else {
        return core::fail("invalid change", "unknown address family");
    }
    return core::Address::from(storage).with_port(item.port);
}

// Takes the next text of a failed reply.
std::string take_text(std::string_view& texts) {
    const auto end = std::min(texts.find('\0'), texts.size());
    std::string text(texts.substr(0, end));
    texts.remove_prefix(std::min(end + 1, texts.size()));
    return text;
}

// The largest offset of a wall clock that fences can follow (see validate).
constexpr std::int64_t clock_max = 10'000'000'000'000;

bool sound_clock(std::int64_t clock) {
    return clock >= -clock_max && clock <= clock_max;
}

bool known(std::uint8_t kind) {
    return kind >= static_cast<std::uint8_t>(Kind::ping) && kind <= static_cast<std::uint8_t>(Kind::capabilities);
}

}  // namespace

Item pack(const Change& change) {
    Item item{};
    std::visit(
        [&item](const auto& each) {
            item.family = each.backend.is_v4() ? 4 : 6;
            item.address = each.backend.bytes();
            item.port = each.backend.port();
            item.protocol = each.protocol;
        },
        change);
    item.action = static_cast<std::uint8_t>(Action::unfence);
    if (const auto* fence = std::get_if<Fence>(&change)) {
        // Texts travel cut as the kernel would keep them, so they always fit; the end keeps its milliseconds.
        const auto stored = as_stored(*fence);
        item.action = static_cast<std::uint8_t>(Action::fence);
        item.mode = static_cast<std::uint8_t>(fence->mode);
        item.scope = static_cast<std::uint8_t>(fence->scope);
        item.since = fence->since.time_since_epoch().count();
        item.timed = fence->until ? 1 : 0;
        item.until = fence->until ? fence->until->time_since_epoch().count() : 0;
        item.packets = fence->packets;
        item.bytes = fence->bytes;
        put(item.id, stored.id);
        put(item.who, stored.who);
        put(item.why, stored.why);
    }
    return item;
}

core::Result<Change> unpack(const Item& item) {
    const auto backend = unpack_address(item);
    if (!backend) {
        return tl::unexpected(backend.error());
    }
    Change change = Unfence{*backend, item.protocol};
    if (item.action == static_cast<std::uint8_t>(Action::fence)) {
        const auto id = get(item.id);
        const auto who = get(item.who);
        const auto why = get(item.why);
        if (!id || !who || !why || item.timed > 1 || item.mode > static_cast<std::uint8_t>(Mode::drop) ||
            item.scope > static_cast<std::uint8_t>(Scope::all)) {
            return core::fail("invalid change", "a text without an end, or an unknown mode, scope or flag");
        }
        Fence fence{*backend, item.protocol, static_cast<Mode>(item.mode), static_cast<Scope>(item.scope), *id,
                    *who,     *why,          time_of(item.since)};
        fence.until = item.timed == 1 ? std::optional(time_of(item.until)) : std::nullopt;
        fence.packets = item.packets;
        fence.bytes = item.bytes;
        change = std::move(fence);
    } else if (item.action != static_cast<std::uint8_t>(Action::unfence)) {
        return core::fail("invalid change", "unknown action");
    }
    return change;
}

void set_clock(Fence& fence, std::int64_t sender, core::Milliseconds receiver) {
    const core::Milliseconds step = receiver - core::Milliseconds(sender);
    // An end beyond that is invalid by either clock, and is not moved.
    const bool near = fence.until && sound_clock(fence.until->time_since_epoch().count());
    if (near && std::chrono::abs(step) >= core::base::WallSteps::least) {
        *fence.until += step;
    }
}

void pack_error(const core::Error& error, Reply& reply) {
    reply.status = static_cast<std::uint8_t>(Status::failed);
    reply.os_error = error.os_error;
    std::string texts;
    for (const auto* text : {&error.what, &error.why, &error.mend}) {
        texts += text->substr(0, text_max / 4);
        texts += '\0';
    }
    std::copy(texts.begin(), texts.end(), reply.text.begin());
    reply.count = static_cast<std::uint32_t>(texts.size());
}

core::Error unpack_error(const Reply& reply) {
    std::string_view texts(reply.text.data(), reply.count);
    core::Error error;
    error.what = take_text(texts);
    error.why = take_text(texts);
    error.mend = take_text(texts);
    error.os_error = reply.os_error;
    return error;
}

Item pack(const Destination& destination) {
    return pack(Change{Unfence{destination.backend, destination.protocol}});
}

void pack_reaped(const Reaped& reaped, Reply& reply) {
    static_assert(std::has_unique_object_representations_v<Reaped>);
    std::memcpy(reply.text.data(), &reaped, sizeof reaped);
    reply.count = sizeof reaped;
}

Reaped unpack_reaped(const Reply& reply) {
    Reaped reaped;
    std::memcpy(&reaped, reply.text.data(), sizeof reaped);
    return reaped;
}

bool well_formed(const Request& request) {
    const bool apply = request.kind == static_cast<std::uint8_t>(Kind::apply);
    const bool redirect = request.kind == static_cast<std::uint8_t>(Kind::redirect);
    const bool items = apply || redirect || request.kind == static_cast<std::uint8_t>(Kind::reap) ||
                       request.kind == static_cast<std::uint8_t>(Kind::count_flows);
    return request.magic == magic && known(request.kind) && request.last <= 1 && sound_clock(request.clock) &&
           request.count <= (redirect ? redirect_items_max : items_max) && (items || request.count == 0) &&
           (apply || redirect || request.last == 1);
}

bool well_formed(const Reply& reply) {
    const bool failed = reply.status == static_cast<std::uint8_t>(Status::failed);
    const bool items = reply.kind == static_cast<std::uint8_t>(Kind::list) && !failed;
    const bool redirects = reply.kind == static_cast<std::uint8_t>(Kind::redirect) && !failed;
    return reply.magic == magic && known(reply.kind) && reply.last <= 1 && reply.status <= 1 &&
           sound_clock(reply.clock) &&
           reply.count <= (items       ? items_max
                           : redirects ? redirect_items_max
                                       : text_max);
}

}  // namespace netfilter::wire
