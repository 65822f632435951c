// `gatehouse host-fence`: fences on an application server, made by the command itself in the network namespace of the
// process. There is no daemon to ask.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/cli/client/command.hpp"
#include "core/base/address.hpp"
#include "netfilter/fence/host_fences.hpp"

namespace appliance::cli {

// add and remove. Code 1: the kernel refuses, or there is no CAP_NET_ADMIN.
class HostFenceCommand : public Command {
public:
    HostFenceCommand(const Common& common, bool adds) : Command(common), adds_(adds) {}

    void declare(CLI::App& app, Common& common) override;
    void check() const override;
    int run(const Finish& finish) override;
    [[nodiscard]] bool is_local() const override { return true; }

    // What it asks of the kernel: each named address with each named port. Pure.
    [[nodiscard]] std::vector<netfilter::Change> changes(core::WallTime now) const;

private:
    [[nodiscard]] std::vector<core::Address> backends() const;
    [[nodiscard]] Outcome apply() const;
    void record() const;
    [[nodiscard]] std::string show(std::size_t changed, const Style& style) const;

    bool adds_;
    std::vector<core::Address> from_;   // at least one, port 0
    std::vector<std::uint16_t> ports_;  // at least one, not 0
    std::optional<std::string> mode_;   // reset, icmp or drop; none: reset
    std::optional<core::Milliseconds> lasts_;
};

// `host-fence list`, for people and for programs. Pure.
std::string show_host_fences(std::span<const netfilter::Fence> fences, core::WallTime now, const Style& style);
std::string print_host_fences(std::span<const netfilter::Fence> fences);

}  // namespace appliance::cli
