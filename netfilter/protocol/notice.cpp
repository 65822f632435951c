#include "netfilter/protocol/notice.hpp"

#include <algorithm>
#include <cstring>

#include "netfilter/protocol/helper_protocol.hpp"

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
    packet.structure = notice.repaired.structure ? 1 : 0;
    packet.missing = notice.repaired.missing;
    packet.altered = notice.repaired.altered;
    put(packet.process, notice.process);
    put(packet.trouble, notice.trouble);
    return packet;
}

std::optional<Notice> unpack(const NoticePacket& packet) {
    if (packet.magic != magic || packet.structure > 1 || packet.process.back() != '\0' ||
        packet.trouble.back() != '\0') {
        return std::nullopt;
    }
    return Notice{packet.process.data(),
                  packet.pid,
                  packet.generation,
                  {packet.structure == 1, packet.missing, packet.altered},
                  packet.trouble.data()};
}

}  // namespace netfilter::wire
