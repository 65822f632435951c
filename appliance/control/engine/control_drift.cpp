// Drift: the agreement of store and kernel, at the start and whenever somebody else changes our table.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "appliance/control/engine/control.hpp"
#include "appliance/control/model/drift.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;

Json culprit_of(const netfilter::Notice& notice) {
    return {{"culprit", notice.process.empty() ? Json() : Json(notice.process)},
            {"pid", notice.pid == 0 ? Json() : Json(notice.pid)}};
}

// What the fence process has put right, and what it left to us.
std::string describe(const netfilter::Repair& repaired, Differing found) {
    found.missing += repaired.missing;
    found.altered += repaired.altered;
    const std::string fences = found.text();
    if (!repaired.structure) {
        return fences;
    }
    return "the table was changed" + (fences.empty() ? "" : ", " + fences);
}

Json split(std::string_view words) {
    Json all = Json::array();
    while (!words.empty()) {
        const auto end = std::min(words.find(' '), words.size());
        all.push_back(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return all;
}

}  // namespace

// At the start, whenever a fence process starts and after a notice: what the kernel shows and the store does not know
// is adopted, what is stored and not in the kernel (a reboot, a foreign flush) is installed again, what has expired is
// dropped. What the fence process does is one transaction, made again where the kernel has moved on meanwhile.
core::Result<Differing> Control::reconcile() {
    follow_clock();  // before the look, whose ends are by this clock
    const auto kernel = helper_.list();
    if (!kernel) {
        return tl::unexpected(kernel.error());
    }
    const State now = state();
    const Administration stored = fences_known_ ? *now.administration : follow_kernel(*now.administration, *kernel);
    Drift drift = find_drift(*now.config, stored, withdrawn_, *kernel, wall_steps_.now(),
                             fences_known_ ? Trust::store : Trust::kernel);
    for (const netfilter::Fence& found : drift.adopted) {
        log("adopt", view_fence(&drift.wanted.fences.at(found.backend), &found));
    }
    for (const auto& [address, record] : now.administration->fences) {
        if (!drift.wanted.fences.contains(address) && expired(record.until, wall_steps_.now())) {
            endings_.note(record, FenceEnd::ran_out, {}, {});
        }
    }
    const Differing differing = drift.differing;
    if (!(drift.wanted == *now.administration)) {
        keeper_.keep(drift.wanted);  // the kernel still knows; the next start adopts again
        publish(std::move(drift.wanted));
    }
    fences_read_ = true;
    // Without changes too: the fence process looks at the table's structure then.
    // Orders wait meanwhile, so a proxy that is known not to answer is not waited for.
    const auto patience = proxy_.may_ask({}) ? ProxyLink::answer_max : tell_max;
    return helper_.apply(drift.changes).and_then([&] { return administer(patience); }).map([&] {
        withdrawn_.clear();
        return differing;
    });
}

// Many notices need one look: it finds what all of them have left.
void Control::mend_drift(Clock::time_point now) {
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock) {
        return;  // the next tick does it; see expire()
    }
    if (!proxy_known_) {
        return;  // as compare() does
    }
    const std::vector<netfilter::Notice> notices = helper_.take_notices();
    if (notices.empty()) {
        return;
    }
    netfilter::Notice first = notices.front();
    netfilter::Repair repaired;
    for (const netfilter::Notice& notice : notices) {
        netfilter::add(repaired, notice.repaired);
    }
    first.trouble = notices.back().trouble;
    const auto done = reconcile();
    const std::string what = describe(repaired, done.value_or(Differing{}));
    const std::string error = done ? first.trouble : done.error().line();
    if (what.empty() && error.empty()) {
        return;  // a change that changed nothing of ours, or one that we have put right already
    }
    Json event{{"what", what.empty() ? Json() : Json(what)}};
    event.update(culprit_of(first));
    event["repaired"] = error.empty();
    if (!error.empty()) {
        event["error"] = error;
        reconciled_ = false;  // tick() tries again
        reconcile_at_ = now + std::chrono::milliseconds(100);
    }
    {
        const std::lock_guard state_lock(state_mutex_);
        repairs_ += error.empty() ? 1 : 0;
        last_drift_ = event;
        last_drift_["time"] = core::base::print_time(core::base::wall_now());
        event["repairs"] = repairs_;
    }
    log("drift", event);
    revision_.advance();
}

// What could not be put right at first has been now.
void Control::settle_drift() {
    Json event;
    {
        const std::lock_guard lock(state_mutex_);
        if (!last_drift_.contains("error")) {
            return;
        }
        last_drift_.erase("error");
        last_drift_["repaired"] = true;
        ++repairs_;
        event = last_drift_;
        event.erase("time");
        event["repairs"] = repairs_;
    }
    log("drift", event);
    revision_.advance();
}

// Under the lock of changes: a fence that is on its way from the store to the kernel is no drift.
Outcome<Json> Control::rules() {
    const std::lock_guard changing(changing_);
    const std::uint64_t revision = revision_.current();
    const auto kernel = helper_.list();
    if (!kernel) {
        return refuse(kernel.error());
    }
    const auto capabilities = helper_.capabilities();
    if (!capabilities) {
        return refuse(capabilities.error());
    }
    const State now = state();
    Json view = view_rules(*now.config, *now.administration, *kernel, core::base::wall_now());
    view["kernel"] = split(*capabilities);
    view["firewall"] = firewall_.view(*now.config);
    view["revision"] = revision;
    const std::lock_guard lock(state_mutex_);
    view["repairs"] = repairs_;
    view["last_drift"] = last_drift_;
    return view;
}

Outcome<Json> Control::watch_rules(std::uint64_t seen, core::Milliseconds patience) {
    revision_.wait(seen, patience);
    return rules();
}

Outcome<std::string> Control::rules_text() {
    auto text = helper_.rules_text();
    if (!text) {
        return refuse(std::move(text.error()));
    }
    return std::move(*text);
}

}  // namespace appliance::control
