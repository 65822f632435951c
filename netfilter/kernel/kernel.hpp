// Kernel: the kernel functions that fences need, as an interface. NetlinkKernel is the real one; MemoryKernel
// (memory_kernel.hpp) replaces it where there is no root. FenceManager owns one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/base/result.hpp"
#include "netfilter/flows/flow_reaper.hpp"
#include "netfilter/kernel/forwarding.hpp"
#include "netfilter/netlink/socket.hpp"
#include "netfilter/nft/capabilities.hpp"
#include "netfilter/nft/commit.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

// The functions are those of snapshot.hpp, commit.hpp, flow_reaper.hpp and forwarding.hpp, with their errors. Not
// thread safe.
class Kernel {
public:
    Kernel() = default;
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;
    virtual ~Kernel() = default;

    virtual core::Result<std::uint32_t> generation() = 0;
    virtual core::Result<Snapshot> snapshot(std::string_view table, Depth depth) = 0;
    virtual core::Result<std::optional<Element>> element(std::string_view table, std::string_view map,
                                                         const Key& key) = 0;
    virtual Commit commit(const Transaction& transaction, std::optional<std::uint32_t> generation) = 0;
    virtual Commit check(const Transaction& transaction) = 0;
    virtual core::Result<Reaped> reap(const Destination& destination) = 0;
    virtual core::Result<std::uint64_t> count_redirected(const Destination& destination) = 0;
    virtual core::Result<Forwarding> forwarding(bool v4) = 0;
    virtual core::Result<void> set_forwarding(bool v4, const Forwarding& wanted) = 0;
    // What the kernel supports; empty for one in memory.
    [[nodiscard]] virtual Capabilities capabilities() const { return {}; }
    // The netlink port in the announcements of our own changes; empty for a kernel that announces none.
    [[nodiscard]] virtual std::optional<std::uint32_t> port() const { return std::nullopt; }
};

// The kernel of the network namespace in which it was opened.
class NetlinkKernel final : public Kernel {
public:
    // Errors: no CAP_NET_ADMIN, no nf_tables. A kernel without sock_diag is reported by reap() only, because fences
    // work without it.
    static core::Result<std::unique_ptr<Kernel>> open();

    NetlinkKernel(Socket socket, Capabilities capabilities, core::Result<FlowReaper> reaper);
    core::Result<std::uint32_t> generation() override;
    core::Result<Snapshot> snapshot(std::string_view table, Depth depth) override;
    core::Result<std::optional<Element>> element(std::string_view table, std::string_view map, const Key& key) override;
    Commit commit(const Transaction& transaction, std::optional<std::uint32_t> generation) override;
    Commit check(const Transaction& transaction) override;
    core::Result<Reaped> reap(const Destination& destination) override;
    core::Result<std::uint64_t> count_redirected(const Destination& destination) override;
    core::Result<Forwarding> forwarding(bool v4) override { return switches_.read(v4); }
    core::Result<void> set_forwarding(bool v4, const Forwarding& wanted) override {
        return switches_.write(v4, wanted);
    }
    [[nodiscard]] Capabilities capabilities() const override { return capabilities_; }
    [[nodiscard]] std::optional<std::uint32_t> port() const override { return socket_.port(); }

private:
    Socket socket_;
    Capabilities capabilities_;
    core::Result<FlowReaper> reaper_;
    ForwardingSwitches switches_;
};

}  // namespace netfilter
