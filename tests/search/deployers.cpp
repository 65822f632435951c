// The operators' orders about deploys.
#include <fmt/format.h>

#include <functional>

#include "tests/search/operators.hpp"

namespace tests::search {
namespace {

using Json = appliance::deploy::Conductor::Json;
using appliance::deploy::Strategy;

std::string words_of(const appliance::deploy::Outcome<Json>& answer) {
    return answer ? fmt::format("rollout {} is {}", (*answer)["id"].dump(), (*answer)["state"].dump())
                  : fmt::format("{} {}", answer.error().status, answer.error().error.line());
}

}  // namespace

std::int64_t Operators::deploy(const DeployWish& wish) {
    const House::Use use(house_);
    appliance::deploy::Order order;
    order.strategy = wish.page ? Strategy::maintenance : Strategy::rolling;
    order.recipe.pool = "app";
    order.recipe.run = "release {server}";
    order.recipe.rollback = "undo {server}";
    order.recipe.batch = std::to_string(wish.batch);
    order.recipe.kill = wish.kill;
    order.recipe.drain = wish.drain;
    order.recipe.on_failure = wish.on_failure;
    order.recipe.tolerate = wish.tolerate;
    order.recipe.warm_timeout = core::Milliseconds(2'000);
    order.recipe.open_timeout = core::Milliseconds(2'000);
    order.words = {"dora", "release 2"};
    std::int64_t id = 0;
    conduct(fmt::format("deploy {} --batch {}", wish.page ? "maintenance" : "rolling", wish.batch), [&] {
        const auto answer = use.conductor().start(order);
        id = answer ? (*answer)["id"].get<std::int64_t>() : 0;
        return words_of(answer);
    });
    return id;
}

void Operators::pause() {
    const House::Use use(house_);
    conduct("deploy pause", [&] { return words_of(use.conductor().pause({"ann", "a look"})); });
}

void Operators::resume(bool skip) {
    const House::Use use(house_);
    {
        const std::lock_guard lock(house_.truth.mutex);
        house_.truth.resumed = house_.truth.step();
        house_.truth.skipped = house_.truth.skipped || skip;
    }
    conduct(skip ? "deploy resume --skip" : "deploy resume", [&] {
        return words_of(use.conductor().resume({"ann", "go on"}, skip));
    });
}

void Operators::abort() {
    const House::Use use(house_);
    conduct("deploy abort", [&] { return words_of(use.conductor().abort({"ann", "no"})); });
}

void Operators::roll_back() {
    const House::Use use(house_);
    conduct("deploy rollback", [&] { return words_of(use.conductor().roll_back({"ann", "bad"}, "", false)); });
}

}  // namespace tests::search
