#include "core/proxy/upstream/sources.hpp"

namespace core::proxy {

// The first 64 bits of an IPv6 address. An IPv4 address maps into 0000::/8, which is never assigned (RFC 4291 2.4).
std::uint64_t source_of(const Address& client) noexcept {
    std::uint64_t source = client.is_v4() ? 0xffff : 0;
    for (std::size_t i = 0; i < (client.is_v4() ? 4 : 8); ++i) {
        source = source << 8 | client.bytes()[i];
    }
    return source;
}

Sources::Place Sources::enter(const Address& client, std::uint32_t limit) {
    const std::uint64_t source = source_of(client);
    Shard& home = shard(source);
    const std::lock_guard lock(home.mutex);
    std::uint32_t& sessions = home.sessions[source];
    if (sessions >= limit) {
        return {};
    }
    ++sessions;
    return {*this, source};
}

void Sources::leave(std::uint64_t source) noexcept {
    Shard& home = shard(source);
    const std::lock_guard lock(home.mutex);
    const auto found = home.sessions.find(source);
    if (--found->second == 0) {
        home.sessions.erase(found);
    }
}

Sources::Shard& Sources::shard(std::uint64_t source) noexcept {
    return shards_[(source * 0x9e37'79b9'7f4a'7c15) >> 60];
}

}  // namespace core::proxy
