#include "tests/search/player.hpp"

#include <array>

namespace tests::search {
namespace {

using core::Milliseconds;

constexpr std::size_t waiting_max = 4;
constexpr Milliseconds settled_max{5'000};
constexpr std::array<Milliseconds, 4> drains{Milliseconds(0), Milliseconds(100), Milliseconds(500),
                                             Milliseconds(3'000)};
constexpr std::array<Milliseconds, 4> ends{Milliseconds(1'000), Milliseconds(5'000), Milliseconds(60'000),
                                           Milliseconds(1'800'000)};
constexpr std::array<Milliseconds, 4> passes{Milliseconds(200), Milliseconds(1'000), Milliseconds(20'000),
                                             Milliseconds(600'000)};
constexpr std::array<Milliseconds, 4> steps{Milliseconds(3'600'000), Milliseconds(-3'600'000), Milliseconds(86'400'000),
                                            Milliseconds(-86'400'000)};

// Between two steps; the ticks of control are 200 ms apart.
constexpr std::array<Milliseconds, 5> gaps{Milliseconds(0), Milliseconds(0), Milliseconds(10), Milliseconds(50),
                                           Milliseconds(250)};

std::vector<unsigned> servers_of(unsigned number) {
    const unsigned first = number % server_count;
    // Mostly one, now and then two.
    return number / server_count % 5 == 0 ? std::vector<unsigned>{first, (first + 1) % server_count}
                                          : std::vector<unsigned>{first};
}

std::optional<std::string> pool_of(const std::vector<unsigned>& servers, unsigned number) {
    return servers.size() == 1 && number % 3 == 0 ? std::optional(pools_of(servers.front()).front()) : std::nullopt;
}

}  // namespace

std::size_t Player::play(const Plan& plan) {
    std::size_t played = 0;
    for (const Step& step : plan) {
        if (house_.truth.lied()) {
            break;
        }
        carry_out(step);
        if (const Milliseconds gap = gaps.at((step.a + step.b + step.c) % gaps.size()); gap > Milliseconds(0)) {
            core::base::sleep_for(gap);
        }
        ++played;
    }
    join();
    return played;
}

void Player::join() {
    for (auto& each : waiting_) {
        each.get();
    }
    waiting_.clear();
}

void Player::wait_apart(std::function<void()> order) {
    if (waiting_.size() >= waiting_max) {
        waiting_.front().get();
        waiting_.pop_front();
    }
    waiting_.push_back(std::async(std::launch::async, std::move(order)));
}

void Player::rest() {
    join();
    house_.end_troubles();
    for (auto& runner : runners_) {
        runner->silent = false;
    }
    operators_.check_agreement();
}

void Player::carry_out(const Step& step) {
    if (step.kind <= Kind::reload) {
        order(step);
    } else if (step.kind <= Kind::roll_back) {
        deploy(step);
    } else if (step.kind <= Kind::broken) {
        visitors(step);
    } else if (step.kind <= Kind::wall) {
        time(step);
    } else if (step.kind <= Kind::start_helper || step.kind == Kind::restart || step.kind == Kind::crash) {
        trouble_processes(step);
    } else if (step.kind <= Kind::empty_disk) {
        trouble_kernel(step);
    } else if (step.kind <= Kind::lose_answer) {
        trouble_runners(step);
    } else if (alone_) {
        rest();
    }
}

void Player::fence(const Step& step) {
    FenceWish wish;
    wish.servers = servers_of(step.a);
    wish.pool = pool_of(wish.servers, step.b);
    wish.kill = step.b % 11 == 0;
    wish.all = step.b % 7 == 0;
    wish.replace = step.b % 5 == 0;
    wish.lasts = step.c % 3 == 0 ? std::optional(ends.at(step.c / 3 % ends.size())) : std::nullopt;
    if (step.c % 4 == 0) {
        wish.drain = drains.at(step.c / 4 % drains.size());
        wait_apart([this, wish] { operators_.fence(wish); });
    } else {
        operators_.fence(wish);
    }
}

void Player::unfence(const Step& step) {
    const auto servers = servers_of(step.a);
    const auto pool = pool_of(servers, step.b);
    if (step.c % 4 == 0) {
        const Milliseconds wait = drains.at(step.c / 4 % drains.size());
        wait_apart([this, servers, pool, wait] { operators_.unfence(servers, pool, wait); });
    } else {
        operators_.unfence(servers, pool, {});
    }
}

void Player::order(const Step& step) {
    switch (step.kind) {
        case Kind::fence:
            return fence(step);
        case Kind::unfence:
            return unfence(step);
        case Kind::page:
            operators_.maintenance(step.a % 2 == 0 ? "app" : "chat", step.b % 2 == 0);
            return;
        case Kind::weight:
            operators_.weight(step.a % server_count, step.b % 2 == 0 ? std::optional(step.c % 256 + 1) : std::nullopt);
            return;
        case Kind::look:
            return operators_.look();
        default:
            break;
    }
    Layout wanted = house_.taken();
    wanted.moved ^= step.a % 3 == 0 ? 1U << step.b % server_count : 0U;
    wanted.more = step.c % 2 == 0;
    wanted.sound = step.a % 7 != 1;
    if (step.c % 5 == 0) {
        house_.refuse_listeners(1);
    } else if (step.c % 5 == 1) {
        house_.proxy_troubles.refuse_configure = 1;
    }
    const bool taken = operators_.reload(wanted).has_value();
    house_.refuse_listeners(0);
    house_.proxy_troubles.refuse_configure = 0;
    // A file that was refused may stay there, for the next start of control to find.
    if (!taken && (!wanted.sound || step.b % 3 == 0)) {
        house_.write_config(house_.taken());
    }
}

void Player::deploy(const Step& step) {
    using appliance::config::OnFailure;
    switch (step.kind) {
        case Kind::deploy: {
            DeployWish wish;
            wish.page = step.a % 5 == 0;
            wish.batch = 1 + step.a % 2;
            wish.kill = step.b % 4 == 0;
            wish.on_failure = std::array{OnFailure::pause, OnFailure::rollback, OnFailure::abort}.at(step.b % 3);
            wish.tolerate = step.c % 4 == 0 ? 1 : 0;
            wish.drain = drains.at(1 + step.c % 3);
            operators_.deploy(wish);
            return;
        }
        case Kind::pause:
            return operators_.pause();
        case Kind::resume:
            return operators_.resume(step.a % 20 == 0);
        case Kind::abort:
            return wait_apart([this] { operators_.abort(); });
        default:
            return wait_apart([this] { operators_.roll_back(); });
    }
}

void Player::visitors(const Step& step) {
    const unsigned server = step.a % server_count;
    const auto pools = pools_of(server);
    const std::string address = house_.address(server, pools.at(step.b % pools.size()));
    switch (step.kind) {
        case Kind::requests:
            for (unsigned i = 0; i <= step.c % 3; ++i) {
                house_.request(address);
            }
            return;
        case Kind::ends:
            for (unsigned i = 0; i <= step.c % 4; ++i) {
                house_.end_request(address);
            }
            return;
        case Kind::health:
            return house_.set_healthy(server, step.b % 3 != 0);
        default:
            house_.web.set_broken(11 + server, step.b % 3 == 0);
            house_.web.set_broken(21 + server, step.b % 3 == 0);
    }
}

void Player::time(const Step& step) {
    if (step.kind == Kind::time) {
        house_.clock.pass(passes.at(step.a % (step.b % 10 == 0 ? 4 : 3)));
        return;
    }
    house_.truth.note("the wall clock is set");
    house_.clock.set_wall(steps.at(step.a % steps.size()));
}

void Player::trouble_processes(const Step& step) {
    switch (step.kind) {
        case Kind::wedge:
        case Kind::unwedge:
            house_.truth.note(step.kind == Kind::wedge ? "the proxy reads nothing" : "the proxy reads again");
            house_.proxy_troubles.wedged = step.kind == Kind::wedge;
            return;
        case Kind::mute:
            house_.proxy_troubles.mute = 1 + step.a % 3;
            return;
        case Kind::late:
            house_.proxy_troubles.late = 1;
            return;
        case Kind::refuse_administer:
            house_.proxy_troubles.refuse_administer = 1 + step.a % 2;
            return;
        case Kind::kill_proxy:
            return house_.has_proxy() ? house_.kill_proxy() : void();
        case Kind::start_proxy:
            return house_.has_proxy() ? void() : house_.start_proxy();
        case Kind::kill_helper:
            return house_.kill_helper();
        case Kind::start_helper:
            return house_.start_helper();
        default:
            break;
    }
    step.kind == Kind::crash ? house_.crash_control() : house_.restart_control();
    // Some fences may be away for longer; then the loss stays an excuse until the next rest.
    if (house_.settle(settled_max)) {
        house_.truth.forget_lost();
    }
}

void Player::trouble_kernel(const Step& step) {
    KernelTroubles& troubles = house_.kernel_troubles;
    switch (step.kind) {
        case Kind::refuse_commit:
            troubles.refuse = 1 + step.a % 2;
            return;
        case Kind::unknown_commit:
            troubles.unknown = 1;
            return;
        case Kind::vanished_commit:
            troubles.vanish = 1;
            return;
        case Kind::refuse_reap:
            troubles.refuse_reap = 1;
            return;
        case Kind::flush:
            return house_.flush_table();
        case Kind::remove_element:
            return house_.remove_element(step.a % server_count);
        default:
            return house_.fill_disk(step.kind == Kind::fill_disk);
    }
}

void Player::trouble_runners(const Step& step) {
    if (runners_.empty()) {
        return;
    }
    Runner& runner = *runners_.at(step.a % runners_.size());
    switch (step.kind) {
        case Kind::silence:
        case Kind::speak:
            runner.silent = step.kind == Kind::silence;
            return;
        case Kind::kill_runner:
            runner.killed = true;
            return;
        default:
            runner.lose = 1;
    }
}

}  // namespace tests::search
