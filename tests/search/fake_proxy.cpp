#include "tests/search/fake_proxy.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace tests::search {
namespace {

constexpr core::Milliseconds look{50};
constexpr core::Milliseconds patience{60'000};
constexpr core::Milliseconds late_by{3'000};

bool take(std::atomic<unsigned>& left) {
    unsigned now = left.load();
    while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
    }
    return now > 0;
}

}  // namespace

FakeProxy::FakeProxy(Truth& truth, ProxyTroubles& troubles, core::base::Descriptor end)
    : truth_(truth), troubles_(troubles), channel_(std::move(end)), thread_([this] { serve(); }) {}

// First it is dead, then its channel closes.
FakeProxy::~FakeProxy() {
    {
        const std::lock_guard lock(truth_.mutex);
        dead_ = true;
        truth_.serving = false;
        const Moment now = truth_.step();
        for (const auto& [address, place] : truth_.places) {
            truth_.rotation[address].set(now, false);
            truth_.verdict[address].set(now, false);
            truth_.flying[address].set(now, 0);
        }
    }
    ending_ = true;
    ::shutdown(channel_.fd(), SHUT_RDWR);
    thread_.join();
}

void FakeProxy::serve() {
    while (!ending_) {
        auto got = channel_.receive(patience);
        while (troubles_.wedged && !ending_) {
            core::base::sleep_for(look);
        }
        if (!got || ending_) {
            return;
        }
        if (*got && !answer_all(std::move((*got)->body))) {
            return;
        }
    }
}

// As the real one: reads first what waits behind the message. The last order about all fences counts, also for messages
// before it.
bool FakeProxy::answer_all(Json first) {
    std::vector<Json> waiting{std::move(first)};
    for (;;) {
        auto next = channel_.receive(core::Milliseconds{0});
        if (!next) {
            return false;
        }
        if (!*next) {
            break;
        }
        waiting.push_back(std::move((*next)->body));
    }
    const auto administers = [](const Json& order) { return order.value("type", "") == "administer"; };
    const auto says_all = [&administers](const Json& order) {
        return administers(order) && order.at("fences_known").get<bool>() && order.at("state_known").get<bool>();
    };
    if (const auto last = std::find_if(waiting.rbegin(), waiting.rend(), administers);
        last != waiting.rend() && std::next(last) != waiting.rend() && troubles_.refuse_administer == 0) {
        static_cast<void>(carry_out(*last));
    }
    for (auto at = waiting.begin(); at != waiting.end(); ++at) {
        const bool outdated = administers(*at) && std::any_of(std::next(at), waiting.end(), says_all);
        Json answer = outdated ? Json{{"type", "done"}} : carry_out(*at);
        if (take(troubles_.mute)) {
            truth_.note("proxy: does not answer '" + at->value("type", "") + "'");
            continue;
        }
        if (take(troubles_.late)) {
            core::base::sleep_for(late_by);
        }
        answer["id"] = at->at("id");
        static_cast<void>(channel_.send(answer));
    }
    return true;
}

FakeProxy::Json FakeProxy::carry_out(const Json& order) {
    const std::string type = order.at("type");
    const Json no{{"type", "failed"}, {"error", "the search says no"}};
    const std::lock_guard lock(truth_.mutex);
    if (truth_.crashed || dead_) {
        return no;
    }
    if (type == "configure") {
        if (take(troubles_.refuse_configure)) {
            truth_.tell("proxy: refuses to be configured");
            return no;
        }
        configure(order);
    } else if (type == "administer") {
        if (take(troubles_.refuse_administer)) {
            truth_.tell("proxy: refuses to be told");
            return no;
        }
        administer(order);
    } else if (type == "report") {
        return report();
    }
    return {{"type", "done"}};
}

void FakeProxy::configure(const Json& order) {
    // As the real one: fences from before and from this order stand, until the next order about all fences.
    auto fenced = fences_;
    for (const Json& fence : order.at("fences")) {
        fenced.emplace(fence.at("pool").get<std::string>(), fence.at("server").get<std::string>());
    }
    std::vector<Backend> next;
    for (const Json& pool : order.at("pools")) {
        for (const Json& one : pool.at("backends")) {
            Backend backend{{pool.at("name"), one.at("server")}, one.at("address"), false, false};
            backend.fenced = fenced.contains(backend.place);
            for (const Backend& old : backends_) {
                backend.checked =
                    backend.checked || (old.place == backend.place && old.address == backend.address && old.checked);
            }
            next.push_back(std::move(backend));
        }
    }
    backends_ = std::move(next);
    write_down();
}

void FakeProxy::administer(const Json& order) {
    serving_ = truth_.serving = true;
    // It may come before the configuration, and holds for that too.
    if (order.at("fences_known").get<bool>()) {
        fences_.clear();
    }
    for (const Json& fence : order.at("fences")) {
        fences_.emplace(fence.at("pool").get<std::string>(), fence.at("server").get<std::string>());
    }
    for (Backend& backend : backends_) {
        const bool fenced = fences_.contains(backend.place);
        if (backend.fenced && !fenced) {
            backend.checked = false;
        }
        backend.fenced = fenced;
    }
    if (order.at("state_known").get<bool>()) {
        pages_.clear();
        weights_.clear();
    }
    for (const Json& page : order.at("maintenance")) {
        pages_.insert(page.at("pool").get<std::string>());
    }
    for (const Json& one : order.at("weights")) {
        weights_.insert(fmt::format("{} {} {}", one.at("pool").get<std::string>(), one.at("server").get<std::string>(),
                                    one.at("weight").get<unsigned>()));
    }
    write_down();
}

void FakeProxy::write_down() {
    const Moment now = truth_.step();
    for (const char* pool : {"app", "chat"}) {
        truth_.paged[pool].set(now, pages_.contains(pool));
    }
    for (const auto& [address, place] : truth_.places) {
        const auto found = std::find_if(backends_.begin(), backends_.end(),
                                        [&](const Backend& backend) { return backend.address == address; });
        const bool in = serving_ && found != backends_.end() && !found->fenced;
        if (truth_.rotation[address].now() != in) {
            truth_.rotation[address].set(now, in);
            truth_.tell(fmt::format("proxy: {} ({}) is {} rotation", place.second, address, in ? "in" : "out of"));
            const auto& held = truth_.kernel[address].now();
            const unsigned order = held ? order_in(held->why) : 0;
            if (in && order != 0 && truth_.excuse(place.second, order).empty()) {
                truth_.accuse("a fenced server is out of rotation",
                              fmt::format("o{} stands, and the proxy sends visitors to {}", order, place.second));
            }
        }
        truth_.verdict[address].set(now, in && found->checked && truth_.healthy[address]);
    }
}

bool FakeProxy::request(const std::string& address) {
    const std::lock_guard lock(truth_.mutex);
    if (dead_ || !truth_.verdict[address].now()) {
        return false;
    }
    auto& line = truth_.flying[address];
    line.set(truth_.step(), line.now() + 1);
    return true;
}

std::set<std::string> FakeProxy::fenced() const {
    std::set<std::string> all;
    for (const Backend& backend : backends_) {
        if (backend.fenced) {
            all.insert(backend.address);
        }
    }
    return all;
}

FakeProxy::Json FakeProxy::report() {
    std::map<std::string, Json> pools;
    for (Backend& backend : backends_) {
        const bool up = truth_.healthy[backend.address];
        const Json check{{"state", !backend.checked ? "unknown" : up ? "up" : "down"}, {"why", up ? "200" : "503"}};
        pools[backend.place.first].push_back(
            {{"server", backend.place.second}, {"active", truth_.flying[backend.address].now()}, {"check", check}});
        backend.checked = true;  // the next check is there by the next report
    }
    write_down();
    Json list = Json::array();
    for (auto& [name, backends] : pools) {
        list.push_back({{"name", name}, {"backends", std::move(backends)}});
    }
    return {{"type", "report"}, {"pools", std::move(list)}};
}

}  // namespace tests::search
