#include "appliance/boot/proxy/proxy_role.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>

#include "appliance/boot/confine/sandbox.hpp"
#include "appliance/boot/process/failure.hpp"
#include "appliance/boot/proxy/proxy_orders.hpp"
#include "appliance/link/channel.hpp"
#include "appliance/link/event.hpp"
#include "appliance/link/first_words.hpp"
#include "core/base/log.hpp"

namespace appliance::boot {
namespace {

using core::proxy::Administration;
using nlohmann::json;

// Of messages that are read at once; more wait in the link.
constexpr std::size_t waiting_max = 1'000;
// Between two lines about checks that could not be made.
constexpr core::Milliseconds shortage_quiet{1'000};

// No ring, no threads or no memory. Another try in this process would not help, so it ends, and the supervisor decides.
class CannotStart : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Proxy final : private core::health::Monitor::Observer, private core::proxy::Observer {
public:
    explicit Proxy(core::base::Descriptor link) : channel_(std::move(link)), log_(STDOUT_FILENO) {}

    int run() {
        while (!drained_) {
            auto message = channel_.receive(core::Milliseconds(60'000));
            if (!message && is_foreign(message.error())) {
                tell_foreign(message.error());
                continue;
            }
            if (!message) {
                // Control's ends are kept by the supervisor, so this is the end of Gatehouse itself.
                server_.drain(core::Milliseconds(0));
                return channel_.closed() ? 0 : 1;
            }
            if (*message) {
                answer_all(std::move(**message));
            }
        }
        return 0;
    }

private:
    void on_health(const core::health::Standing& standing) override {
        server_.set_health(standing.pool, standing.server, standing.address,
                           standing.health == core::health::Health::up);
        const nlohmann::ordered_json fields{{"pool", standing.pool},
                                            {"backend", standing.server},
                                            {"state", print(standing.health)},
                                            {"why", standing.why}};
        log_.write(link::event_line("health", fields));
    }

    void on_shortage(const core::health::Standing& standing, const std::string& why) override {
        // Of what may be many servers' checks each second one line is enough.
        ++checks_not_made_;
        const auto now = core::BootClock::now();
        if (now >= shortage_told_ + shortage_quiet) {
            shortage_told_ = now;
            tell_shortage("a check of " + standing.server, why);
        }
    }

    // On a worker's thread.
    void on_shortage(const core::proxy::Backend& backend, int error) override {
        tell_shortage("a connection to " + backend.spec().server, core::fail_os({}, error).value().why);
    }

    // On a worker's thread.
    void on_odd_answers(const core::proxy::Backend& backend, core::http::Oddities oddities) override {
        json kinds = json::array();
        oddities.each([&kinds](core::http::Oddity one) { kinds.push_back(core::http::print(one)); });
        log_.write(link::event_line("odd_answers", {{"pool", backend.pool()},
                                                    {"backend", backend.spec().server},
                                                    {"kinds", std::move(kinds)},
                                                    {"why", "they break RFC 9112 and were written anew"}}));
    }

    // A shortage of this machine: no server has failed.
    void tell_shortage(const std::string& wanted, const std::string& why) {
        log_.write(link::event_line("shortage", {{"for", wanted}, {"why", why}}));
    }

    void on_inherited(const core::health::Standing& standing) override {
        server_.set_health(standing.pool, standing.server, standing.address,
                           standing.health == core::health::Health::up);
    }

    // On a worker's thread, while ours may be taking the monitor away.
    void on_failing(const core::proxy::Backend& backend, std::string_view why) override {
        const auto& spec = backend.spec();
        const std::lock_guard lock(monitor_mutex_);
        if (monitor_) {
            monitor_->fail(backend.pool(), spec.server, spec.address,
                           fmt::format("{} exchanges in a row failed, the last: {}", spec.passive_fall, why));
        }
    }

    // A packet that is no message: the next one may be.
    bool is_foreign(const core::Error& error) const {
        return !channel_.closed() && (error.os_error == 0 || error.os_error == EMSGSIZE);
    }

    // Visitors are served all the same. The supervisor restarts control.
    void tell_foreign(const core::Error& error) { log_.write(link::event_line("link", {{"error", error.line()}})); }

    // Reads the waiting messages too: this process may have been stopped for a while. run() notices a closed link.
    void answer_all(link::Message first) {
        std::vector<link::Message> waiting;
        waiting.push_back(std::move(first));
        while (waiting.size() < waiting_max) {
            auto next = channel_.receive(core::Milliseconds(0));
            if (!next && is_foreign(next.error())) {
                tell_foreign(next.error());
                break;
            }
            if (!next || !*next) {
                break;
            }
            waiting.push_back(std::move(**next));
        }
        const std::vector<bool> outdated = find_outdated(waiting);
        // Applies the last "administer" order first. Otherwise an older message before it could open a fenced server
        // for a moment.
        const auto last = std::find_if(waiting.rbegin(), waiting.rend(), administers);
        if (last != waiting.rend() && std::next(last) != waiting.rend()) {
            static_cast<void>(try_out(*last));
        }
        for (std::size_t i = 0; i < waiting.size() && !drained_; ++i) {
            answer(waiting[i], outdated[i]);
        }
    }

    // The reply, without its id.
    json try_out(link::Message& message) {
        try {
            auto order = decode_order({message.body, std::move(message.fds)});
            return order ? std::visit([this](auto& one) { return carry_out(one); }, *order)
                         : json{{"type", "failed"}, {"error", order.error().line()}};
        } catch (const CannotStart&) {
            throw;
        } catch (const std::exception& error) {
            return {{"type", "failed"}, {"error", error.what()}};
        }
    }

    void answer(link::Message& message, bool outdated) {
        json reply = outdated ? json{{"type", "done"}} : try_out(message);
        reply["id"] = message.body.value("id", json());
        if (const auto sent = channel_.send(reply); !sent) {
            log_.write(link::event_line("link", {{"error", sent.error().line()}}));
        }
    }

    json carry_out(ConfigureOrder& order) {
        const bool first = !snapshot_;
        try {
            configure(std::move(order));
            link::release_errors();
        } catch (const std::exception& error) {
            if (first) {
                throw CannotStart(print_failure(error));
            }
            throw;
        }
        return {{"type", "done"}};
    }

    json carry_out(AdministerOrder& order) {
        administer(complete(std::move(order), administration_));
        return {{"type", "done"}};
    }

    json carry_out(const ReportOrder& /*order*/) {
        return write_report(server_.report(), snapshot(), monitor_.has_value() ? monitor_->standings() : none_,
                            checks_not_made_);
    }

    json carry_out(const RefusalsOrder& /*order*/) { return write_refusals(server_.refusals()); }

    json carry_out(const DrainOrder& order) {
        end_monitor();  // from here on, health chooses no other server
        const auto cut = server_.drain(order.deadline, order.idle);
        log_.write(link::event_line("drained", {{"exchanges_cut", cut.exchanges}, {"relays_cut", cut.relays}}));
        drained_ = true;
        return {{"type", "done"}};
    }

    void configure(ConfigureOrder order) {
        if (server_.workers() == 0) {
            if (const auto started = server_.start(order.workers); !started) {
                throw std::runtime_error(started.error().line());
            }
            server_.administer(administration_);  // what control may have said before
        }
        if (order.workers != server_.workers()) {
            throw std::runtime_error("the number of workers cannot change while the proxy runs; restart gatehouse");
        }
        if (!monitor_) {
            make_monitor();
            if (const auto started = monitor_->start(); !started) {
                end_monitor();
                throw std::runtime_error(started.error().line());
            }
            // The last ring is made. No byte of a visitor or a server has been read so far.
            if (const auto shut = shut_rings(); !shut) {
                throw std::runtime_error(shut.error().line());
            }
        }
        // A server that is fenced under its old or new name stays fenced, until control's next complete order.
        Administration both = administration_;
        both.fences.insert(both.fences.end(), order.fences.begin(), order.fences.end());
        server_.administer(both);
        snapshot_ = order.snapshot;
        const auto health = monitor_->forecast(order.targets, order.recall);
        server_.configure(order.snapshot, std::move(order.sockets), findings_of(*order.snapshot, health));
        monitor_->apply(std::move(order.targets), std::move(order.probe_sockets), order.recall);
    }

    // A lifted fence opens its backend only after the next passed check: what was seen before does not count.
    void administer(Administration administration) {
        std::set<std::pair<std::string, std::string>> fenced;
        for (const auto& fence : administration.fences) {
            fenced.emplace(fence.pool, fence.server);
        }
        for (const auto& fence : administration_.fences) {
            if (monitor_ && !fenced.contains({fence.pool, fence.server})) {
                monitor_->recheck(fence.pool, fence.server, "fence lifted, waiting for the next check");
            }
        }
        administration_ = std::move(administration);
        if (server_.workers() > 0) {
            server_.administer(administration_);
        }
    }

    void make_monitor() {
        const std::lock_guard lock(monitor_mutex_);
        monitor_.emplace(static_cast<core::health::Monitor::Observer&>(*this));
    }
    void end_monitor() {
        const std::lock_guard lock(monitor_mutex_);
        monitor_.reset();
    }

    [[nodiscard]] const core::proxy::Snapshot& snapshot() const {
        static const core::proxy::Snapshot empty;
        return snapshot_ ? *snapshot_ : empty;
    }

    link::Channel channel_;
    core::base::Log log_;
    std::mutex monitor_mutex_;  // for the workers; our own thread takes it only to make or end the monitor
    // As many receive buffers as sessions, so that no number of slow heads can starve a worker; only used ones cost.
    core::proxy::Server server_{log_, {.buffers = {.count = 32'768}}, this};
    std::optional<core::health::Monitor> monitor_;
    core::proxy::SnapshotRef snapshot_;
    Administration administration_;
    const std::vector<core::health::Standing> none_;
    std::atomic<std::uint64_t> checks_not_made_ = 0;
    core::BootTime shortage_told_{};  // of checks, on the monitor's thread
    bool drained_ = false;
};

}  // namespace

int run_proxy(core::base::Descriptor link) {
    try {
        return Proxy(std::move(link)).run();
    } catch (const CannotStart& error) {
        fmt::print(stderr, "gatehouse: {}\n", error.what());
        return 1;
    }
}

}  // namespace appliance::boot
