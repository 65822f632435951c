// Drift: what is wanted, compared with what the kernel has. Pure; KernelSync acts upon it.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "appliance/control/model/record.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

// How many fences differ, and how.
struct Differing {
    std::size_t missing = 0;  // wanted, and not in the kernel
    std::size_t altered = 0;  // in the kernel, and not as wanted
    std::size_t stale = 0;    // over, or taken back while the kernel could not be asked
    std::size_t added = 0;    // unknown until now

    // In the words of the log; empty where nothing differs.
    [[nodiscard]] std::string text() const;
};

struct Drift {
    Administration wanted;                   // as before, without what has expired, with what was found
    std::vector<netfilter::Change> changes;  // that bring the kernel there
    std::vector<netfilter::Fence> adopted;   // those added: kept, because an operator may have set them
    Differing differing;
};

// Which of the two counts where store and kernel hold different fences at one address. At the start it is the kernel: a
// disk in trouble may have missed the last order; of two with one id it is the stricter. Later it is the store, and the
// kernel was changed by another program.
enum class Trust : std::uint8_t { store, kernel };

// kernel: all fences in it. withdrawn: ids of fences that were taken back. now: what has expired by then is not wanted.
// Of two with one id, that at the address of a server counts: it has moved there.
Drift find_drift(const config::Config& config, const Administration& administration,
                 const std::set<std::string>& withdrawn, std::span<const netfilter::Fence> kernel, core::WallTime now,
                 Trust trust = Trust::store);

// Whether the kernel says what the record says. Words apart, which it holds only in part, and below the second.
bool agrees(const FenceRecord& record, const netfilter::Fence& found);
// Whether a fence in the kernel can be one of ours, which are all for TCP.
bool may_be_ours(const netfilter::Fence& found);

bool expired(const std::optional<core::WallTime>& until, core::WallTime now);

// The kernel's form of a record, and the other way round.
netfilter::Fence kernel_fence(const FenceRecord& record);
FenceRecord adopt(const config::Config& config, const netfilter::Fence& found);
// Adds what the store still tells: of a fence that its last change lifted, or that stands at another address too.
// Changes nothing where it tells nothing.
void know_owner(FenceRecord& fence, const Administration& stored);

}  // namespace appliance::control
