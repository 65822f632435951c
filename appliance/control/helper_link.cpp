#include "appliance/control/helper_link.hpp"

#include <cerrno>
#include <utility>

namespace appliance::control {

void HelperLink::attach(core::base::Descriptor link) {
    const std::lock_guard lock(mutex_);
    client_.emplace(std::move(link), answer_max);
    since_ = core::base::wall_now();
    attached_.notify_all();
}

void HelperLink::detach() {
    const std::lock_guard lock(mutex_);
    if (client_) {
        since_ = core::base::wall_now();
    }
    client_.reset();
}

bool HelperLink::attached() const {
    const std::lock_guard lock(mutex_);
    return client_.has_value();
}

core::WallTime HelperLink::since() const {
    const std::lock_guard lock(mutex_);
    return since_;
}

// The calls leave the kernel in the same state when they are made twice, so one that met a dying helper is made again
// with the next one.
template <typename Call>
auto HelperLink::with_client(Call call) -> decltype(call(std::declval<netfilter::HelperClient&>())) {
    const auto deadline = std::chrono::steady_clock::now() + restart_wait;
    std::unique_lock lock(mutex_);
    while (attached_.wait_until(lock, deadline, [this] { return client_.has_value(); })) {
        auto result = call(*client_);
        if (result || result.error().os_error != EPIPE) {
            return result;
        }
        client_.reset();
        since_ = core::base::wall_now();
    }
    return core::fail_os("cannot reach the fence process", EPIPE, "it is being restarted; try again");
}

core::Result<void> HelperLink::apply(std::span<const netfilter::Change> changes) {
    return with_client([changes](netfilter::HelperClient& client) { return client.apply(changes); });
}

core::Result<std::vector<netfilter::Fence>> HelperLink::list() {
    return with_client([](netfilter::HelperClient& client) { return client.list(); });
}

core::Result<netfilter::Reaped> HelperLink::reap(std::span<const netfilter::Destination> destinations) {
    return with_client([destinations](netfilter::HelperClient& client) { return client.reap(destinations); });
}

core::Result<std::string> HelperLink::rules_text() {
    return with_client([](netfilter::HelperClient& client) { return client.rules_text(); });
}

}  // namespace appliance::control
