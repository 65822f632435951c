// FakeProxy: a proxy process as control meets it over its link, with nothing behind. It keeps its orders, counts
// exchanges in flight, checks servers, and stops answering when a step says so. All exchanges end with it.
#pragma once

#include <atomic>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>

#include "appliance/link/channel.hpp"
#include "tests/search/truth.hpp"

namespace tests::search {

struct ProxyTroubles {
    std::atomic<bool> wedged = false;  // it reads nothing; earlier orders hold
    std::atomic<unsigned> mute = 0;    // so many orders are carried out, and not answered
    std::atomic<unsigned> late = 0;    // so many answers come three seconds late
    std::atomic<unsigned> refuse_configure = 0;
    std::atomic<unsigned> refuse_administer = 0;
    void end() {
        wedged = false;
        mute = late = refuse_configure = refuse_administer = 0;
    }
};

class FakeProxy {
public:
    // truth and troubles outlive it.
    FakeProxy(Truth& truth, ProxyTroubles& troubles, core::base::Descriptor end);
    FakeProxy(const FakeProxy&) = delete;
    FakeProxy& operator=(const FakeProxy&) = delete;
    ~FakeProxy();

    // A visitor comes: true where the proxy has sent the request to that address. Any thread.
    bool request(const std::string& address);
    // The fenced addresses by its orders. Truth's lock is held.
    [[nodiscard]] std::set<std::string> fenced() const;
    // The same for pools with the page, and weights by hand.
    [[nodiscard]] const std::set<std::string>& pages() const { return pages_; }
    [[nodiscard]] const std::set<std::string>& weights() const { return weights_; }
    // It has had a complete order since its start.
    [[nodiscard]] bool serving() const { return serving_; }

private:
    using Json = nlohmann::json;
    struct Backend {
        Place place;
        std::string address;
        bool fenced = false;
        bool checked = false;  // since it came, or its fence was lifted
        friend bool operator==(const Backend&, const Backend&) = default;
    };

    void serve();
    bool answer_all(Json first);
    Json carry_out(const Json& order);
    void configure(const Json& order);
    void administer(const Json& order);
    Json report();
    void write_down();

    Truth& truth_;
    ProxyTroubles& troubles_;
    appliance::link::Channel channel_;
    std::vector<Backend> backends_;  // guarded by truth's lock, like the next
    std::set<Place> fences_;
    std::set<std::string> pages_;
    std::set<std::string> weights_;  // "app web1 7"
    bool serving_ = false;
    bool dead_ = false;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace tests::search
