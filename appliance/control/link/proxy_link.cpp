#include "appliance/control/link/proxy_link.hpp"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "appliance/control/link/report.hpp"
#include "appliance/link/fields.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

constexpr core::Milliseconds again_first{1'000};
constexpr core::Milliseconds again_max{60'000};

tl::unexpected<core::Error> no_proxy() {
    return core::fail_os("cannot reach the proxy process", EPIPE, "it is being restarted; try again");
}

tl::unexpected<core::Error> no_answer(core::Milliseconds waited) {
    return tl::unexpected(core::Error{
        "the proxy process does not answer", "it was given " + core::base::print_duration(waited), {}, ETIMEDOUT});
}

struct Answer {
    std::uint64_t id = 0;
    core::Result<json> outcome;
};

// What the proxy may answer: "done", "failed" with a reason, a report, or refusals.
core::Result<Answer> decode_answer(json body) {
    return link::decode("the proxy process", [&body]() -> Answer {
        const auto id = link::read_number<std::uint64_t>(body, "id");
        const std::string type = link::read_text(body, "type");
        if (type == "failed") {
            return {id, tl::unexpected(core::Error{link::read_text(body, "error"), "", "", 0})};
        }
        if (type == "done") {
            return {id, std::move(body)};
        }
        auto report = type == "refusals" ? decode_refusals(std::move(body)) : decode_report(std::move(body));
        return report ? Answer{id, std::move(report)} : throw std::runtime_error(report.error().line());
    });
}

}  // namespace

std::string_view print(ProxyState state) noexcept {
    switch (state) {
        case ProxyState::starting:
            return "starting";
        case ProxyState::running:
            return "running";
        case ProxyState::draining:
            return "draining";
        case ProxyState::down:
            break;
    }
    return "down";
}

ProxyLink::Talk::Talk(ProxyLink& link) : link_(link) {
    std::unique_lock lock(link_.turn_mutex_);
    link_.turn_over_.wait(lock, [this] { return !link_.talking_; });
    link_.talking_ = true;
}

ProxyLink::Talk::Talk(ProxyLink& link, core::Milliseconds patience) : link_(link) {
    std::unique_lock lock(link_.turn_mutex_);
    mine_ = core::base::wait_for(link_.turn_over_, lock, patience, [this] { return !link_.talking_; });
    link_.talking_ = link_.talking_ || mine_;
}

ProxyLink::Talk::~Talk() {
    if (mine_) {
        const std::lock_guard lock(link_.turn_mutex_);
        link_.talking_ = false;
        link_.turn_over_.notify_all();
    }
}

// The link outlives this process, and answers to the one before it may still be in there: ids start anywhere.
ProxyLink::ProxyLink(std::function<void(const std::string&)> on_foreign)
    : on_foreign_(std::move(on_foreign)), next_id_(std::random_device{}()) {
    status_.since = core::base::wall_now();
}

void ProxyLink::attach(core::base::Descriptor link, pid_t pid) {
    const Talk talk(*this);
    silent_ = false;
    channel_ = link::Channel(std::move(link), answers);
    set(ProxyState::starting, pid);
}

void ProxyLink::detach() {
    const Talk talk(*this);
    channel_ = link::Channel();
    set(ProxyState::down, 0);
}

void ProxyLink::mark_running() {
    const auto now = status();
    if (now.state == ProxyState::starting) {
        set(ProxyState::running, now.pid);
    }
}

core::Result<void> ProxyLink::drain(core::Milliseconds deadline) {
    const Talk talk(*this);
    if (!channel_.valid()) {
        return no_proxy();
    }
    set(ProxyState::draining, status().pid);
    return channel_.send({{"type", "drain"}, {"id", ++next_id_}, {"deadline_ms", deadline.count()}});
}

core::Result<json> ProxyLink::ask(json request, std::span<const int> fds, core::Milliseconds timeout) {
    const auto deadline = core::BootClock::now() + timeout;
    const Talk talk(*this, timeout);
    if (!talk) {
        return no_answer(timeout);
    }
    if (!channel_.valid() || status().state == ProxyState::draining) {
        return no_proxy();
    }
    request["id"] = ++next_id_;
    if (auto sent = channel_.send(request, fds); !sent) {
        return tl::unexpected(std::move(sent.error()));
    }
    return await(next_id_, deadline, timeout);
}

json ProxyLink::report(core::Milliseconds timeout) {
    std::unique_lock lock(reporting_);
    const std::uint64_t wanted = reports_begun_ + 1;
    while (reports_ended_ < wanted) {
        if (report_under_way_) {
            reported_.wait(lock);
            continue;
        }
        report_under_way_ = true;
        ++reports_begun_;
        lock.unlock();
        json seen;
        try {
            seen = ask({{"type", "report"}}, {}, timeout).value_or(json());
        } catch (const std::exception&) {
            // Out of memory: nothing is known, and the waiting callers must not wait for ever.
        }
        lock.lock();
        report_ = std::move(seen);
        report_under_way_ = false;
        reports_ended_ = reports_begun_;
        reported_.notify_all();
    }
    return report_;
}

bool ProxyLink::may_ask(core::Milliseconds patience) {
    if (!silent_) {
        return true;
    }
    const auto deadline = core::BootClock::now() + patience;
    const Talk talk(*this, patience);
    if (!talk) {
        return false;
    }
    if (silent_ && channel_.valid()) {
        static_cast<void>(receive(deadline));  // an answer that no order waits for any more
    }
    return !silent_ || core::BootClock::now() >= again_at_;
}

// Nothing: not in time.
core::Result<std::optional<link::Message>> ProxyLink::receive(core::BootTime deadline) {
    const auto left = std::max(deadline - core::BootClock::now(), core::BootClock::duration::zero());
    auto message = channel_.receive(std::chrono::ceil<core::Milliseconds>(left));
    if (!message && !channel_.closed()) {
        return give_up(message.error());
    }
    if (!message) {
        channel_ = link::Channel();
        set(ProxyState::down, 0);
        silent_ = false;
        return no_proxy();
    }
    if (*message) {
        silent_ = false;
    }
    return message;
}

core::Result<json> ProxyLink::await(std::uint64_t id, core::BootTime deadline, core::Milliseconds timeout) {
    for (;;) {
        auto message = receive(deadline);
        if (!message) {
            return tl::unexpected(std::move(message.error()));
        }
        if (!*message) {
            again_ = silent_ ? std::min(again_ * 2, again_max) : again_first;
            again_at_ = core::BootClock::now() + again_;
            silent_ = true;
            return no_answer(timeout);
        }
        auto answer = decode_answer(std::move((*message)->body));
        if (!answer) {
            return give_up(answer.error());
        }
        if (answer->id != id) {
            continue;  // to a question that no order waits for any more
        }
        return std::move(answer->outcome);
    }
}

tl::unexpected<core::Error> ProxyLink::give_up(const core::Error& foreign) {
    channel_ = link::Channel();
    set(ProxyState::down, 0);
    silent_ = false;
    on_foreign_(foreign.line());
    return no_proxy();
}

void ProxyLink::set(ProxyState state, pid_t pid) {
    const std::lock_guard lock(status_mutex_);
    if (status_.state != state || status_.pid != pid) {
        status_ = {state, pid, core::base::wall_now()};
    }
}

ProxyStatus ProxyLink::status() const {
    const std::lock_guard lock(status_mutex_);
    return status_;
}

}  // namespace appliance::control
