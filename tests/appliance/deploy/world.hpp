// A world for the conductor's tests: a pool of two servers, each a real web server of this process, and recorded
// fences.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "appliance/config/file/load.hpp"
#include "appliance/deploy/actions.hpp"
#include "appliance/deploy/conductor.hpp"
#include "tests/support/demo_http.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/sockets.hpp"

namespace appliance::deploy {

using tests::support::eventually;

class WebServer {
public:
    explicit WebServer(std::string name) : listener_(*tests::support::listen_on(*core::Address::parse("127.0.0.1:0"))) {
        site.name = std::move(name);
        sockaddr_storage storage{};
        socklen_t size = sizeof(storage);
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
        address = core::Address::from(storage);
        thread_ = std::thread([this] {
            // A connection may outlive the server.
            tests::support::serve(listener_.get(), [kept = kept_](core::base::Descriptor connection) {
                tests::support::serve_http(connection.get(), *kept);
            });
        });
    }
    ~WebServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;

    core::Address address;

private:
    std::shared_ptr<tests::support::DemoSite> kept_ = std::make_shared<tests::support::DemoSite>();

public:
    tests::support::DemoSite& site = *kept_;

private:
    core::base::Descriptor listener_;
    std::thread thread_;
};

class World final : public Actions {
public:
    World() {
        const std::string text =
            "[listen.web]\naddress = \"127.0.0.1:9\"\nmode = \"tcp\"\npool = \"app\"\n"
            "[server.web1]\nhost = \"127.0.0.1\"\n[server.web2]\nhost = \"127.0.0.1\"\n"
            "[pool.app]\nport = 80\nservers = [{ name = \"web1\", port = " +
            std::to_string(web1.address.port()) +
            " }, { name = \"web2\", port = " + std::to_string(web2.address.port()) +
            " }]\ncheck = { method = \"HEAD\", path = \"/\" }\n[proxy]\nuser = \"nobody\"\n"
            "[maintenance]\nbypass_header = \"X-Preview: yes\"\n";
        auto parsed = config::parse(text, "/tmp/g.toml");
        EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().front().text());
        config_ = std::make_shared<const config::Config>(std::move(*parsed));
    }

    std::shared_ptr<const config::Config> config() override {
        const std::lock_guard lock(mutex_);
        return config_;
    }
    // A reload has given the server the address 127.0.0.2.
    void move(const std::string& server) {
        auto next = std::make_shared<config::Config>(*config());
        for (config::Backend& backend : next->pools.front().backends) {
            if (backend.server == server) {
                backend.address = *core::Address::parse("127.0.0.2:" + std::to_string(backend.address.port()));
            }
        }
        const std::lock_guard lock(mutex_);
        config_ = std::move(next);
    }
    bool ready() override { return true; }
    core::Result<void> fence(const std::string& /*pool*/, const std::vector<std::string>& servers, bool /*kill*/,
                             const Words& /*words*/) override {
        const std::lock_guard lock(mutex_);
        for (const std::string& server : servers) {
            if (by_hand == server) {
                return core::fail(server + " is fenced by ann");
            }
        }
        fenced_.insert(servers.begin(), servers.end());
        return refuse_fences ? core::fail("no fence process") : core::Result<void>();
    }
    core::Result<void> unfence(const std::string& /*pool*/, const std::vector<std::string>& servers,
                               const Words& /*words*/) override {
        const std::lock_guard lock(mutex_);
        for (const std::string& server : servers) {
            fenced_.erase(server);
        }
        return {};
    }
    core::Result<void> holds(std::int64_t /*rollout*/, const std::string& /*pool*/,
                             const std::vector<std::string>& servers) override {
        const std::lock_guard lock(mutex_);
        for (const std::string& server : servers) {
            if (by_hand == server) {
                return core::fail(server + " is fenced by ann");
            }
            if (!fenced_.contains(server)) {
                return core::fail("the fence of " + server + " was lifted by ann");
            }
        }
        return {};
    }
    core::Result<void> begin_command(std::int64_t rollout, const std::string& pool,
                                     const std::string& server) override {
        auto held = holds(rollout, pool, {server});
        const std::lock_guard lock(mutex_);
        if (held) {
            commands_.insert(server);
        }
        return held;
    }
    void end_command(const std::string& /*pool*/, const std::string& server) override {
        const std::lock_guard lock(mutex_);
        if (const auto found = commands_.find(server); found != commands_.end()) {
            commands_.erase(found);
        }
    }
    core::Result<void> page(const std::string& /*pool*/, bool on, const std::string& /*message*/,
                            const Words& /*words*/) override {
        paged = on;
        return {};
    }
    std::vector<Standing> standings(const std::string& /*pool*/) override {
        const std::lock_guard lock(mutex_);
        std::vector<Standing> all;
        for (const char* server : {"web1", "web2"}) {
            const bool away = fenced_.contains(server);
            const bool known = !silent;
            all.push_back({server, known ? std::optional(up.load()) : std::nullopt, known && up && !away,
                           known ? std::optional(in_flight.load()) : std::nullopt, up ? "200" : "503",
                           by_hand == server ? "by ann"
                           : away            ? "by rollout"
                                             : "",
                           away && by_hand != server ? std::optional<std::int64_t>(1) : std::nullopt});
        }
        return all;
    }
    core::Result<core::base::Descriptor> socket(int family) override {
        return core::base::Descriptor(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }
    core::Result<std::string> guards(core::WallTime at, core::Milliseconds /*length*/) override {
        guards_asked_for = at;
        return guards_agree ? core::Result<std::string>("all agree") : core::fail("meetings", "3 running");
    }
    std::string visitors(const std::string& /*pool*/) override { return "1"; }
    nlohmann::ordered_json visitors_between(const std::string& /*before*/, const std::string& /*after*/) override {
        return {{"requests", 7}};
    }
    void event(std::string_view /*kind*/, const nlohmann::ordered_json& /*fields*/) override {}

    std::set<std::string> fenced() {
        const std::lock_guard lock(mutex_);
        return fenced_;
    }

    WebServer web1{"web1 release 2"};
    WebServer web2{"web2 release 2"};
    std::atomic<bool> up = true;
    std::atomic<bool> paged = false;
    std::atomic<bool> guards_agree = true;
    std::atomic<core::WallTime> guards_asked_for = core::WallTime{};
    std::atomic<bool> refuse_fences = false;
    std::atomic<bool> silent = false;  // the proxy does not answer
    std::atomic<std::uint64_t> in_flight = 0;
    std::string by_hand;  // a server that an operator has fenced

    void lift(const std::string& server) {
        const std::lock_guard lock(mutex_);
        fenced_.erase(server);
    }
    std::size_t commands() {
        const std::lock_guard lock(mutex_);
        return commands_.size();
    }

private:
    std::shared_ptr<const config::Config> config_;
    std::mutex mutex_;
    std::set<std::string> fenced_;
    std::multiset<std::string> commands_;  // that run
};

// A conductor with its folder, and a command line that reports the test's results.
class ConductorTest : public testing::Test {
protected:
    using Json = Conductor::Json;

    ConductorTest() {
        std::string name = "/tmp/gatehouse-deploy-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        begin();
    }
    ~ConductorTest() override {
        conductor_.reset();
        std::filesystem::remove_all(folder_);
    }
    void begin() { conductor_ = std::make_unique<Conductor>(world_, folder_); }
    // As a restart of the process.
    void begin_anew() {
        conductor_.reset();
        begin();
    }

    static Order order() {
        Order made;
        made.recipe.pool = "app";
        made.recipe.run = "deploy {server}";
        made.recipe.expect_body = "release 2";
        made.recipe.warm_timeout = core::Milliseconds(1'000);
        made.recipe.drain = core::Milliseconds(100);
        made.words = {"ann", "release 2"};
        return made;
    }
    Json sync(std::vector<unsigned> running = {}, std::vector<Sync::Result> results = {},
              const std::string& runner = "test") {
        Sync asked;
        asked.rollout = rollout_;
        asked.runner = runner;
        asked.running = std::move(running);
        asked.results = std::move(results);
        asked.after = seen_;
        asked.patience = core::Milliseconds(50);
        const auto answer = conductor_->sync(asked);
        EXPECT_TRUE(answer.has_value()) << (answer ? "" : answer.error().error.line());
        if (!answer) {
            return {{"take", Json::array()}};
        }
        for (const auto& entry : (*answer)["journal"]) {
            seen_ = entry["number"];
        }
        return *answer;
    }
    // Takes commands and lets each end with that code, until the rollout is no longer running. Returns the servers.
    std::vector<std::string> run_to_end(int exit_code = 0) {
        std::vector<std::string> servers;
        std::vector<Sync::Result> results;
        const bool ended = eventually([&] {
            const Json answer = sync({}, std::exchange(results, {}));
            for (const auto& command : answer["take"]) {
                servers.push_back(command["server"]);
                results.push_back({command["step"], exit_code, ""});
            }
            return state() != "running" && results.empty();
        });
        EXPECT_TRUE(ended) << "it never ended: " << conductor_->view(0)->dump();
        return servers;
    }
    // The first command that is given out.
    Json take_one() {
        Json taken;
        EXPECT_TRUE(eventually([&] {
            const Json answer = sync();
            taken = answer["take"].empty() ? Json() : answer["take"].front();
            return !taken.is_null();
        })) << "no command";
        return taken;
    }
    // Repeats a command line's sync until the rollout has that state.
    bool settles(const std::string& wanted, const std::vector<unsigned>& running = {}) {
        return eventually([&] {
            sync(running);
            return state() == wanted;
        });
    }
    std::string state() { return conductor_->view(rollout_).value()["state"]; }
    Json step(const std::string& kind, const std::string& server) {
        const Json view = conductor_->view(rollout_).value();
        for (const auto& found : view["steps"]) {
            if (found["kind"] == kind && found["servers"].front() == server) {
                return found;
            }
        }
        return {};
    }
    std::string journal() {
        std::string text;
        const Json all = conductor_->journal(rollout_, 0, {}).value();
        for (const auto& entry : all["journal"]) {
            text += entry["text"].get<std::string>() + "\n";
        }
        return text;
    }
    void start(const Order& wanted) {
        const auto begun = conductor_->start(wanted);
        ASSERT_TRUE(begun.has_value()) << begun.error().error.line();
        rollout_ = (*begun)["id"];
    }

    World world_;
    std::filesystem::path folder_;
    std::unique_ptr<Conductor> conductor_;
    std::int64_t rollout_ = 0;
    std::int64_t seen_ = 0;
};

}  // namespace appliance::deploy
