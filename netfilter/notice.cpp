#include "netfilter/notice.hpp"

#include <algorithm>
#include <cstring>

#include "netfilter/helper_protocol.hpp"

namespace netfilter::wire {
namespace {

template <std::size_t size>
void put(std::array<char, size>& out, const std::string& text) {
    text.copy(out.data(), size - 1);
}

}  // namespace

NoticePacket pack(const Notice& notice) {
    NoticePacket packet{};
    packet.magic = magic;
    packet.pid = notice.pid;
    packet.generation = notice.generation;
    packet.repaired = notice.repaired ? 1 : 0;
    put(packet.process, notice.process);
    put(packet.trouble, notice.trouble);
    return packet;
}

std::optional<Notice> unpack(const NoticePacket& packet) {
    if (packet.magic != magic || packet.repaired > 1 || packet.process.back() != '\0' ||
        packet.trouble.back() != '\0') {
        return std::nullopt;
    }
    return Notice{packet.process.data(), packet.pid, packet.generation, packet.repaired == 1, packet.trouble.data()};
}

}  // namespace netfilter::wire
