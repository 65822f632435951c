#include "netfilter/kernel/kernel.hpp"

#include <utility>

namespace netfilter {

core::Result<std::unique_ptr<Kernel>> NetlinkKernel::open() {
    auto socket = Socket::open();
    if (!socket) {
        return tl::unexpected(socket.error());
    }
    const auto capabilities = Capabilities::probe(*socket);
    if (!capabilities) {
        return tl::unexpected(capabilities.error());
    }
    // The reaper is opened now, like the switches of forwarding: the fence process's sandbox soon opens no file.
    return std::make_unique<NetlinkKernel>(std::move(*socket), *capabilities, FlowReaper::open());
}

NetlinkKernel::NetlinkKernel(Socket socket, Capabilities capabilities, core::Result<FlowReaper> reaper)
    : socket_(std::move(socket)), capabilities_(capabilities), reaper_(std::move(reaper)) {}

core::Result<std::uint32_t> NetlinkKernel::generation() {
    return read_generation(socket_);
}

core::Result<Snapshot> NetlinkKernel::snapshot(std::string_view table, Depth depth) {
    return take_snapshot(socket_, table, depth);
}

core::Result<std::optional<Element>> NetlinkKernel::element(std::string_view table, std::string_view map,
                                                            const Key& key) {
    return read_element(socket_, table, map, key);
}

Commit NetlinkKernel::commit(const Transaction& transaction, std::optional<std::uint32_t> generation) {
    return netfilter::commit(socket_, transaction, capabilities_, generation);
}

Commit NetlinkKernel::check(const Transaction& transaction) {
    return netfilter::check(socket_, transaction, capabilities_);
}

core::Result<Reaped> NetlinkKernel::reap(const Destination& destination) {
    return reaper_ ? reaper_->reap(destination) : tl::unexpected(reaper_.error());
}

core::Result<std::uint64_t> NetlinkKernel::count_redirected(const Destination& destination) {
    return reaper_ ? reaper_->count_redirected(destination) : tl::unexpected(reaper_.error());
}

}  // namespace netfilter
