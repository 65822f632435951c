#include "appliance/control/model/fence_endings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/verify.hpp"

namespace appliance::control {
namespace {

std::string words_of(FenceEnd how, const std::string& who) {
    switch (how) {
        case FenceEnd::lifted:
            return "was lifted by " + who;
        case FenceEnd::replaced:
            return "was replaced by " + who;
        case FenceEnd::ran_out:
            return "ran out";
    }
    VERIFY(false);
    return {};
}

}  // namespace

void FenceEndings::note(const FenceRecord& fence, FenceEnd how, const std::string& who, const std::string& why) {
    std::string words = fmt::format(
        "the fence of {} {} at {}{}", fence.server.empty() ? fence.address.text() : fence.server, words_of(how, who),
        core::base::print_time(core::base::wall_now()), why.empty() ? "" : " (" + why + ")");
    const std::lock_guard lock(mutex_);
    endings_.push_back({fence.id, fence.address, std::move(words)});
    if (endings_.size() > kept_max) {
        endings_.pop_front();
    }
}

std::optional<std::string> FenceEndings::find(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(endings_.rbegin(), endings_.rend(), [&id](const Ending& ending) { return ending.id == id; });
    return found == endings_.rend() ? std::nullopt : std::optional(found->words);
}

std::optional<std::string> FenceEndings::find_last(const core::Address& address) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(endings_.rbegin(), endings_.rend(),
                                    [&address](const Ending& ending) { return ending.address == address; });
    return found == endings_.rend() ? std::nullopt : std::optional(found->words);
}

bool CommandLeases::begin(const Place& place, const core::Address& address) {
    const std::lock_guard lock(mutex_);
    if (lifting_.contains(address)) {
        return false;
    }
    Running& running = running_[place];
    running.address = address;
    ++running.commands;
    return true;
}

void CommandLeases::end(const Place& place) {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(place);
    if (found != running_.end() && --found->second.commands == 0) {
        running_.erase(found);
    }
    changed_.notify_all();
}

void CommandLeases::move(const Place& place, const core::Address& address) {
    const std::lock_guard lock(mutex_);
    if (const auto found = running_.find(place); found != running_.end()) {
        found->second.address = address;
    }
    changed_.notify_all();
}

bool CommandLeases::running(const std::set<core::Address>& addresses) const {
    const std::lock_guard lock(mutex_);
    return any_at(addresses);
}

bool CommandLeases::any_at(const std::set<core::Address>& addresses) const {
    return std::any_of(running_.begin(), running_.end(),
                       [&addresses](const auto& each) { return addresses.contains(each.second.address); });
}

CommandLeases::Lift::Lift(CommandLeases& leases, std::set<core::Address> addresses)
    : leases_(leases), addresses_(std::move(addresses)) {
    const std::lock_guard lock(leases_.mutex_);
    leases_.lifting_.insert(addresses_.begin(), addresses_.end());
}

CommandLeases::Lift::~Lift() {
    const std::lock_guard lock(leases_.mutex_);
    for (const core::Address& address : addresses_) {
        leases_.lifting_.erase(leases_.lifting_.find(address));
    }
}

bool CommandLeases::Lift::await(core::Milliseconds patience) {
    std::unique_lock lock(leases_.mutex_);
    return core::base::wait_for(leases_.changed_, lock, patience, [this] { return !leases_.any_at(addresses_); });
}

}  // namespace appliance::control
