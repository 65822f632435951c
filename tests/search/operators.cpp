#include "tests/search/operators.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "appliance/control/state/store.hpp"

namespace tests::search {
namespace {

using appliance::control::Control;
using Json = Control::Json;

constexpr int agreement_tries = 800;
constexpr int standing_tries = 200;
constexpr core::Milliseconds agreement_look{50};

std::vector<std::string> names(const std::vector<unsigned>& servers) {
    std::vector<std::string> all;
    for (const unsigned server : servers) {
        all.push_back(server_name(server));
    }
    return all;
}

std::set<std::string> set_of(const std::vector<std::string>& all) {
    return {all.begin(), all.end()};
}

std::string words_of(const Answer& answer, const char* const (&keys)[2]) {
    if (!answer) {
        return fmt::format("{} {}", answer.error().status, answer.error().error.line());
    }
    std::string text = "done";
    for (const char* key : keys) {
        text += answer->contains(key) ? fmt::format(", {} {}", key, (*answer)[key].dump()) : "";
    }
    return text;
}

std::string for_long(const char* name, const std::optional<core::Milliseconds>& time) {
    return time ? fmt::format(" --{} {}ms", name, time->count()) : "";
}

}  // namespace

Answer Operators::fence(const FenceWish& wish) {
    const House::Use use(house_);
    const auto servers = names(wish.servers);
    const unsigned number = house_.truth.begin(
        Deed::fence, set_of(servers),
        fmt::format("fence {}{}{}{}{}{}{}", fmt::join(servers, " "), wish.pool ? " --pool " + *wish.pool : "",
                    for_long("drain", wish.drain), for_long("for", wish.lasts), wish.kill ? " --kill" : "",
                    wish.all ? " --scope all" : "", wish.replace ? " --replace" : ""),
        wish.lasts);
    appliance::control::FenceOrder order;
    order.servers = servers;
    order.pool = wish.pool;
    order.scope = wish.all ? netfilter::Scope::all : netfilter::Scope::fresh;
    order.drain = wish.drain;
    order.lasts = wish.lasts;
    order.kill = wish.kill;
    order.replace = wish.replace;
    order.who = number % 2 == 0 ? "ann" : "carl";  // another operator is another owner too
    order.why = fmt::format("o{}", number);
    Answer answer = use.control().fence(order);
    const std::lock_guard lock(house_.truth.mutex);
    if (!house_.truth.crashed) {
        judge_fence(house_.truth, number, {wish.drain.has_value(), wish.all || wish.kill, !wish.lasts}, answer);
    }
    house_.truth.end(number, words_of(answer, {"drained", "in_flight"}));
    return answer;
}

Answer Operators::unfence(const std::vector<unsigned>& servers, std::optional<std::string> pool,
                          std::optional<core::Milliseconds> wait) {
    const House::Use use(house_);
    const auto words = names(servers);
    const unsigned number = house_.truth.begin(
        Deed::unfence, set_of(words),
        fmt::format("unfence {}{}{}", fmt::join(words, " "), pool ? " --pool " + *pool : "", for_long("wait", wait)));
    appliance::control::UnfenceOrder order;
    order.servers = words;
    order.pool = pool;
    order.wait = wait;
    order.who = "bob";
    order.why = fmt::format("o{}", number);
    Answer answer = use.control().unfence(order);
    std::set<std::string> about;
    for (const auto& [place, address] : addresses(use.control())) {
        if (set_of(words).contains(place.second) && (!pool || *pool == place.first)) {
            about.insert(address);
        }
    }
    const std::lock_guard lock(house_.truth.mutex);
    if (!house_.truth.crashed) {
        judge_unfence(house_.truth, number, about, wait.has_value(), answer);
    }
    house_.truth.end(number, words_of(answer, {"lifted", "passed"}));
    return answer;
}

Answer Operators::maintenance(const std::string& pool, bool on) {
    const House::Use use(house_);
    const unsigned number =
        house_.truth.begin(Deed::other, {}, fmt::format("maintenance {} {}", on ? "on" : "off", pool));
    Answer answer = use.control().set_maintenance({on, pool, "soon", std::nullopt, "ann", fmt::format("o{}", number)});
    const std::lock_guard lock(house_.truth.mutex);
    if (!house_.truth.crashed) {
        judge_page(house_.truth, number, pool, on, house_.truth.serving, answer);
    }
    house_.truth.end(number, words_of(answer, {"", ""}));
    return answer;
}

void Operators::look() {
    const House::Use use(house_);
    Moment begun = 0;
    {
        const std::lock_guard lock(house_.truth.mutex);
        begun = house_.truth.step();
    }
    const Json status = use.control().status();
    const std::lock_guard lock(house_.truth.mutex);
    if (!house_.truth.crashed) {
        judge_status(house_.truth, begun, status);
    }
}

Answer Operators::weight(unsigned server, std::optional<unsigned> weight) {
    const House::Use use(house_);
    const unsigned number = house_.truth.begin(Deed::other, {}, "weight " + server_name(server));
    appliance::control::WeightOrder order;
    order.servers = {server_name(server)};
    order.weight = weight;
    Answer answer = use.control().set_weight(order);
    const std::lock_guard lock(house_.truth.mutex);
    house_.truth.end(number, words_of(answer, {"", ""}));
    return answer;
}

Answer Operators::reload(const Layout& layout) {
    const House::Use use(house_);
    house_.write_config(layout);
    const unsigned number =
        house_.truth.begin(Deed::reload, {},
                           fmt::format("reload, moved {:04b}{}{}", layout.moved,
                                       layout.more ? ", one more listener" : "", layout.sound ? "" : ", invalid"));
    Answer answer = use.control().reload({"ann", fmt::format("o{}", number)});
    if (answer) {
        house_.took_file();
    }
    if (house_.has_helper()) {
        const std::string when = answer ? "after a reload" : "after a reload that was refused";
        expect_standing(use.control(), false, when, number);
    }
    const std::lock_guard lock(house_.truth.mutex);
    house_.truth.end(number, words_of(answer, {"changed", ""}));
    return answer;
}

void Operators::conduct(const std::string& words, const std::function<std::string()>& order) {
    const unsigned number = house_.truth.begin(Deed::deploy, {}, words);
    const std::string said = order();
    const std::lock_guard lock(house_.truth.mutex);
    house_.truth.end(number, said);
}

std::map<Place, std::string> Operators::addresses(const Control& control) const {
    std::map<Place, std::string> all;
    const auto config = control.config();
    for (const auto& pool : config->pools) {
        for (const auto& backend : pool.backends) {
            all[{pool.name, backend.server}] = backend.address.text();
        }
    }
    return all;
}

// Nothing is lost; what was missing because of troubles is back within some ticks.
void Operators::expect_standing(const Control& control, bool proxy_too, const std::string& when, unsigned asking) {
    std::optional<std::string> lost;
    for (int tries = 0; tries < standing_tries; ++tries) {
        const auto now = addresses(control);
        {
            const std::lock_guard lock(house_.truth.mutex);
            lost = house_.truth.crashed
                       ? std::nullopt
                       : find_lost(house_.truth, now, proxy_too ? std::optional(house_.told()) : std::nullopt, asking);
        }
        if (!lost) {
            return;
        }
        core::base::sleep_for(agreement_look);
    }
    const std::lock_guard lock(house_.truth.mutex);
    house_.truth.accuse("an operator's order about fences holds", when + ", " + *lost);
}

void Operators::check_standing(const std::string& when) {
    const House::Use use(house_);
    expect_standing(use.control(), true, when, 0);
}

// What differs between kernel, store, control and proxy; empty where nothing does.
std::string Operators::differing() {
    const House::Use use(house_);
    const Json status = use.control().status();
    const auto stored =
        appliance::control::Store::open(house_.folder()).and_then([](appliance::control::Store&& store) {
            return store.load();
        });
    if (!stored) {
        return "the store cannot be read: " + stored.error().line();
    }
    const std::lock_guard lock(house_.truth.mutex);
    if (house_.proxy() == nullptr || !house_.proxy()->serving()) {
        return "the proxy was told nothing";
    }
    std::set<std::string> weights;
    for (const auto& [where, record] : stored->weights) {
        weights.insert(fmt::format("{} {} {}", record.pool, record.server, record.weight));
    }
    if (weights != house_.proxy()->weights()) {
        return fmt::format("weights: stored are '{}', the proxy has '{}'", fmt::join(weights, ", "),
                           fmt::join(house_.proxy()->weights(), ", "));
    }
    const auto known = addresses(use.control());
    for (const auto& [address, place] : house_.truth.places) {
        const auto left = house_.truth.in_kernel(address);
        if (left && known.at(place) != address && !house_.truth.strays.contains(left->id)) {
            return fmt::format("{}: {} is at {} now, and fenced here still: {} ({}), until {}", address, place.second,
                               known.at(place), left->why, left->id,
                               left->until ? core::base::print_time(*left->until) : "lifted");
        }
    }
    for (const Json& pool : status["pools"]) {
        const std::string name = pool["name"];
        if (house_.proxy()->pages().contains(name) != stored->maintenance.contains(name)) {
            return fmt::format("the page of {}: the proxy has it {}", name,
                               house_.proxy()->pages().contains(name) ? "on" : "off");
        }
        for (const Json& backend : pool["backends"]) {
            const std::string address = backend["address"];
            const auto kernel = house_.truth.in_kernel(address);
            const auto kept = stored->fences.find(*core::Address::parse(address));
            const std::string in_status = backend["fence"].is_object() ? backend["fence"]["id"] : "";
            const std::string in_store = kept == stored->fences.end() ? "" : kept->second.id;
            const std::string in_kernel = kernel ? kernel->id : "";
            if (in_status != in_store || in_status != in_kernel ||
                house_.told().contains(address) == in_status.empty()) {
                return fmt::format("{}: status '{}', store '{}', kernel '{}', the proxy has it {}", address, in_status,
                                   in_store, in_kernel, house_.told().contains(address) ? "fenced" : "open");
            }
        }
    }
    return {};
}

void Operators::check_agreement() {
    std::string last = "control does not come back";
    if (house_.settle()) {
        house_.truth.forget_lost();
        for (int tries = 0; tries < agreement_tries; ++tries) {
            last = differing();
            if (last.empty()) {
                break;
            }
            core::base::sleep_for(agreement_look);
        }
    }
    if (!last.empty()) {
        const std::lock_guard lock(house_.truth.mutex);
        house_.truth.accuse("kernel, store and proxy agree again once failures end", last);
        return;
    }
    check_standing("at rest");
    const std::lock_guard lock(house_.truth.mutex);
    judge_refused(house_.truth);
}

}  // namespace tests::search
