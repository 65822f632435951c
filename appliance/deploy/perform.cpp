#include "appliance/deploy/perform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "appliance/deploy/visit/expectation.hpp"
#include "appliance/deploy/visit/front_door.hpp"
#include "appliance/deploy/visit/server_visit.hpp"
#include "appliance/deploy/visit/visit.hpp"

namespace appliance::deploy {
namespace {

using core::base::print_duration;

constexpr std::chrono::milliseconds look_again{20};
constexpr std::chrono::milliseconds try_again{100};
constexpr std::chrono::milliseconds long_try{500};
// The longest wait for a proxy's report that a step needs.
constexpr std::chrono::seconds known_max{30};
// How often guards that do not agree are asked again; their servers are other people's.
constexpr std::chrono::seconds ask_again{10};

class Performer {
public:
    Performer(const Step& step, const Rollout& rollout, Actions& actions, const std::atomic<bool>& stop,
              const std::function<void(const std::string&)>& say)
        : step_(step),
          rollout_(rollout),
          recipe_(rollout.recipe),
          actions_(actions),
          stop_(stop),
          say_(say),
          words_{rollout.who, fmt::format("rollout {}{}{}", rollout.id, rollout.why.empty() ? "" : ": ", rollout.why),
                 rollout.id} {}

    core::Result<std::string> perform() {
        switch (step_.kind) {
            case Kind::wait:
                return wait_for_start();
            case Kind::guard:
                return guard();
            case Kind::floor:
                return floor();
            case Kind::page:
                return actions_.page(recipe_.pool, true, recipe_.message, words_).map([] {
                    return std::string("visitors see the page");
                });
            case Kind::fence:
                return fence();
            case Kind::warm:
                return warm();
            case Kind::verify:
                return verify();
            case Kind::open:
                return open();
            case Kind::preview:
                return std::string("only testers see the site");
            case Kind::show:
                return actions_.page(recipe_.pool, false, {}, words_).map([] { return std::string("no page"); });
            case Kind::front:
                return front();
            case Kind::soak:
                return soak();
            case Kind::run:
                break;
        }
        return core::fail("a command is not ours to run");
    }

private:
    [[nodiscard]] bool ours(const std::string& server) const {
        return std::find(step_.servers.begin(), step_.servers.end(), server) != step_.servers.end();
    }
    [[nodiscard]] bool has(Kind kind) const {
        return std::any_of(rollout_.steps.begin(), rollout_.steps.end(),
                           [kind](const Step& step) { return step.kind == kind; });
    }
    core::Result<Visit> find_visit(const std::string& path) const {
        const auto config = actions_.config();
        const config::Pool* pool = config->pool(recipe_.pool);
        Visit visit = pool == nullptr ? Visit{} : server_visit(*config, *pool, recipe_, step_.servers.front());
        visit.path = path;
        if (visit.to.port() == 0) {
            return core::fail(
                fmt::format("the configuration has no {} in {} any more", step_.servers.front(), recipe_.pool));
        }
        return visit;
    }
    core::Result<Answer> go(const Visit& target, Clock::time_point deadline) {
        return actions_.socket(target.to.family()).and_then([&](core::base::Descriptor&& socket) {
            return visit(std::move(socket), target, deadline, stop_);
        });
    }
    // Sleeps for that time; false: stopped, or past the deadline.
    [[nodiscard]] bool wait(Clock::time_point deadline, std::chrono::milliseconds time) const {
        if (stop_ || Clock::now() >= deadline) {
            return false;
        }
        core::base::sleep_for(time);
        return true;
    }

    [[nodiscard]] core::Error expired() const {
        return {"too late to begin", "it expired at " + core::base::print_time(*rollout_.expires), {}, 0};
    }

    core::Result<std::string> wait_for_start() {
        const auto ever = Clock::time_point::max();
        say_("until " + core::base::print_time(*rollout_.starts));
        while (core::base::wall_now() < *rollout_.starts) {
            if (!wait(ever, try_again)) {
                return core::fail("not begun", "stopped");
            }
        }
        return rollout_.expired(core::base::wall_now())
                   ? tl::unexpected(expired())
                   : core::Result<std::string>("it is past " + core::base::print_time(*rollout_.starts));
    }

    // Asks until all agree, for as long as the recipe waits for them; before the first batch also until it expires.
    core::Result<std::string> guard() {
        const bool first = step_.batch == 0 && rollout_.expires.has_value();
        const auto deadline = Clock::now() + recipe_.wait;
        std::string told;
        for (;;) {
            if (first && rollout_.expired(core::base::wall_now())) {
                return tl::unexpected(expired());
            }
            auto agreed = actions_.guards(core::base::wall_now(), recipe_.expected);
            if (agreed || (Clock::now() >= deadline && !first)) {
                return agreed;
            }
            if (const std::string why = agreed.error().line(); why != told) {
                say_("waits: " + why);
                told = why;
            }
            const auto next = Clock::now() + ask_again;
            while (wait(first ? next : std::min(next, deadline), try_again)) {
                if (first && rollout_.expired(core::base::wall_now())) {
                    break;
                }
            }
            if (stop_) {
                return core::fail("not begun", "stopped");
            }
        }
    }

    // Every backend's standing; an error where one is not known in time.
    core::Result<std::vector<Standing>> known_standings() {
        const auto deadline = Clock::now() + known_max;
        for (;;) {
            auto standings = actions_.standings(recipe_.pool);
            const auto unknown =
                std::find_if(standings.begin(), standings.end(), [](const Standing& one) { return !one.up; });
            if (unknown == standings.end()) {
                return standings;
            }
            if (!wait(deadline, try_again)) {
                return core::fail(fmt::format("how {} is, is not known", unknown->server), unknown->why,
                                  "gatehouse status shows what is known; then gatehouse deploy resume");
            }
        }
    }

    core::Result<std::string> floor() {
        const auto standings = known_standings();
        if (!standings) {
            return tl::unexpected(standings.error());
        }
        std::int64_t left = 0;
        for (const Standing& standing : *standings) {
            left += standing.eligible && !ours(standing.server) ? 1 : 0;
        }
        if (left < recipe_.min_healthy) {
            return core::fail(fmt::format("{} eligible without {}", left, fmt::join(step_.servers, ", ")),
                              fmt::format("min_healthy is {}", recipe_.min_healthy),
                              "wait for the others to come up, then resume");
        }
        return fmt::format("{} eligible without {}", left, fmt::join(step_.servers, ", "));
    }

    // Of all servers of the step; nothing where it is not known of one.
    std::optional<std::uint64_t> in_flight() {
        std::uint64_t count = 0;
        for (const Standing& standing : actions_.standings(recipe_.pool)) {
            if (ours(standing.server) && !standing.in_flight) {
                return std::nullopt;
            }
            count += ours(standing.server) ? *standing.in_flight : 0;
        }
        return count;
    }

    // Drained means: nothing in flight, and the rule is in the kernel before and after that look.
    core::Result<std::string> fence() {
        const auto deadline = Clock::now() + recipe_.drain;
        if (auto done = actions_.fence(recipe_.pool, step_.servers, false, words_); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        for (;;) {
            const auto left = in_flight();
            if (auto stands = actions_.holds(rollout_.id, recipe_.pool, step_.servers); !stands) {
                return tl::unexpected(std::move(stands.error()));
            }
            if (left == 0U) {
                return std::string("the rule is in the kernel, nothing is in flight");
            }
            if (wait(deadline, look_again)) {
                continue;
            }
            return give_up_draining(left);
        }
    }

    core::Result<std::string> give_up_draining(std::optional<std::uint64_t> left) {
        if (recipe_.kill && !stop_) {
            return kill(left);
        }
        return core::fail(left ? fmt::format("{} still in flight", *left)
                               : std::string("how much is still in flight is not known: the proxy does not answer"),
                          stop_ ? "stopped" : "drain was " + print_duration(recipe_.drain),
                          "the fence holds; resume to wait on, or deploy with --kill");
    }

    core::Result<std::string> kill(std::optional<std::uint64_t> left) {
        return actions_.fence(recipe_.pool, step_.servers, true, words_).map([left] {
            return left ? fmt::format("the rule is in the kernel, {} in flight were ended", *left)
                        : std::string("the rule is in the kernel, what was in flight was ended");
        });
    }

    core::Result<std::string> warm() {
        const auto target = find_visit(recipe_.warm_path);
        if (!target) {
            return tl::unexpected(target.error());
        }
        const auto deadline = Clock::now() + recipe_.warm_timeout;
        std::int64_t answered = 0;
        core::Milliseconds first{};
        core::Milliseconds last{};
        std::string trouble = "no answer";
        while (answered < recipe_.warm_count) {
            const auto begun = Clock::now();
            const auto answer = go(*target, deadline);
            if (answer && judge_answered(*answer)) {
                last = answer->took;
                first = answered++ == 0 ? last : first;
                continue;
            }
            // A try begun shortly before the deadline ran out of time; the one before it tells more.
            if (answer || Clock::now() < deadline || Clock::now() - begun > long_try) {
                trouble = answer ? fmt::format("status {}", answer->status) : answer.error().line();
            }
            if (!wait(deadline, try_again)) {
                return core::fail(fmt::format("not warm within {}", print_duration(recipe_.warm_timeout)), trouble);
            }
        }
        return answered == 0 ? std::string("no request wanted")
               : answered == 1
                   ? fmt::format("1 request, {} ms", first.count())
                   : fmt::format("{} requests, the first {} ms, the last {} ms", answered, first.count(), last.count());
    }

    core::Result<std::string> verify() {
        auto target = find_visit(recipe_.verify_path);
        if (!target) {
            return tl::unexpected(target.error());
        }
        if (recipe_.verify_port != 0) {
            target->to = target->to.with_port(static_cast<std::uint16_t>(recipe_.verify_port));
        }
        return go(*target, Clock::now() + recipe_.verify_timeout).and_then([&](const Answer& answer) {
            return target->http ? judge(recipe_, answer) : core::Result<std::string>("accepts connections");
        });
    }

    core::Result<std::string> open() {
        const auto deadline = Clock::now() + recipe_.open_timeout;
        if (auto done = actions_.unfence(recipe_.pool, step_.servers, words_); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        for (;;) {
            std::string why = "the proxy does not answer";
            for (const Standing& standing : actions_.standings(recipe_.pool)) {
                if (!ours(standing.server)) {
                    continue;
                }
                if (!standing.fence.empty() && standing.owner != rollout_.id) {
                    return core::fail(fmt::format("{} was fenced again {}", standing.server, standing.fence), "",
                                      "that fence stays; gatehouse deploy resume goes on when it is lifted");
                }
                if (standing.up == true) {
                    return show_site();
                }
                why = standing.why;
            }
            if (!wait(deadline, look_again)) {
                return core::fail(fmt::format("no check passed within {}", print_duration(recipe_.open_timeout)), why);
            }
        }
    }

    // The site opens with the first server that is well again; for the others nothing is left to do.
    core::Result<std::string> show_site() {
        const bool paged = has(Kind::page) && !has(Kind::show);
        return (paged ? actions_.page(recipe_.pool, false, {}, words_) : core::Result<void>()).map([paged] {
            return std::string(paged ? "open, its check passed, no page" : "open, its check passed");
        });
    }

    core::Result<std::string> front() {
        const auto config = actions_.config();
        const auto door = find_front_door(*config, recipe_);
        if (!door) {
            return std::string("no HTTP listener leads here");
        }
        const auto standings = known_standings();
        if (!standings) {
            return tl::unexpected(standings.error());
        }
        config::Recipe wanted = recipe_;
        if (!all_deployed(*standings)) {
            wanted.expect_body = wanted.expect_regex = wanted.expect_json = wanted.expect_header = {};
        }
        return go(door->visit, Clock::now() + recipe_.verify_timeout)
            .and_then([&](const Answer& answer) {
                return recipe_.verify_port == 0 ? judge(wanted, answer) : judge_answered(answer);
            })
            .map([&](const std::string& seen) { return fmt::format("through {}: {}", door->listener, seen); });
    }

    // Whether every eligible server has been deployed. Servers that still wait, or are none of the rollout's, answer as
    // before.
    [[nodiscard]] bool all_deployed(const std::vector<Standing>& standings) const {
        return std::all_of(standings.begin(), standings.end(), [this](const Standing& standing) {
            const auto opened = [&standing](const Step& step) {
                return step.kind == Kind::open && step.servers.front() == standing.server &&
                       step.progress == Progress::done;
            };
            return !standing.eligible || std::any_of(rollout_.steps.begin(), rollout_.steps.end(), opened);
        });
    }

    core::Result<std::string> soak() {
        const auto deadline = Clock::now() + recipe_.soak;
        while (wait(deadline, try_again)) {
            for (const Standing& standing : actions_.standings(recipe_.pool)) {
                if (ours(standing.server) && standing.up == false && !failed(standing.server)) {
                    return core::fail(fmt::format("{} went down while it was watched", standing.server), standing.why);
                }
            }
        }
        // Without a report at the end the result is unknown.
        if (const auto standings = known_standings(); !standings && !stop_) {
            return tl::unexpected(standings.error());
        }
        return stop_ ? core::fail("not watched to the end", "stopped")
                     : core::Result<std::string>(fmt::format("up for {}", print_duration(recipe_.soak)));
    }

    [[nodiscard]] bool failed(const std::string& server) const {
        const auto held = held_servers(rollout_);
        return std::find(held.begin(), held.end(), server) != held.end();
    }

    const Step& step_;
    const Rollout& rollout_;
    const config::Recipe& recipe_;
    Actions& actions_;
    const std::atomic<bool>& stop_;
    const std::function<void(const std::string&)>& say_;
    Words words_;
};

}  // namespace

core::Result<std::string> perform(const Step& step, const Rollout& rollout, Actions& actions,
                                  const std::atomic<bool>& stop, const std::function<void(const std::string&)>& say) {
    return Performer(step, rollout, actions, stop, say).perform();
}

}  // namespace appliance::deploy
