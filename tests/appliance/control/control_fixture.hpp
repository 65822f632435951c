// Control between a real kernel (a namespace of its own, a real fence helper) and two peers that speak the links'
// protocols: one in the supervisor's place, one in the proxy's.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "appliance/config/file/load.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/routes/routes.hpp"  // before "json" is a name here: one of its own is so called
#include "netfilter/agent/helper.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "tests/support/any_redirect.hpp"

namespace appliance::control {

namespace fs = std::filesystem;
using core::base::Descriptor;
using nlohmann::json;

inline constexpr const char* plain_config = R"(
[listen.web]
address = "127.0.0.1:8080"
mode = "http"
pool = "app"
[server.web1]
host = "10.0.0.11"
[server.web2]
host = "10.0.0.12"
[pool.app]
port = 80
servers = ["web1", "web2"]
[pool.chat]
port = 5222
servers = ["web1"]
[proxy]
user = "nobody"
)";

// Answers every request; remembers the last of each kind.
class Peer {
public:
    explicit Peer(Descriptor end) : channel_(std::move(end)), thread_([this] { serve(); }) {}
    ~Peer() {
        ::shutdown(channel_.fd(), SHUT_RDWR);
        thread_.join();
    }
    json last(const std::string& type) {
        const std::lock_guard lock(mutex_);
        return last_[type];
    }
    void tell(const json& message, std::span<const int> fds = {}) {
        const std::lock_guard lock(mutex_);
        ASSERT_TRUE(channel_.send(message, fds).has_value());
    }
    void refuse(const std::string& type) {
        const std::lock_guard lock(mutex_);
        refused_ = type;
    }
    // Called with the type of each request before it is answered, by the peer's thread.
    void on_request(std::function<void(const std::string& type)> call) {
        const std::lock_guard lock(mutex_);
        on_request_ = std::move(call);
    }
    std::atomic<unsigned> active = 0;
    std::atomic<bool> up = true;
    std::atomic<bool> checked = true;
    std::atomic<bool> silent = false;                 // gives no report
    std::atomic<bool> fails_after_configure = false;  // the next configuration's checks pass nowhere

private:
    void serve() {
        for (;;) {
            auto got = channel_.receive(core::Milliseconds{60'000});
            if (!got) {
                return;
            }
            const json body = (*got)->body;
            const std::string type = body.at("type");
            if (const auto call = hook()) {
                call(type);
            }
            const std::lock_guard lock(mutex_);
            last_[type] = body;
            last_[type]["fds"] = (*got)->fds.size();
            json reply{{"type", "done"}};
            std::vector<int> fds;
            if (type == refused_) {
                reply = {{"type", "failed"}, {"error", "the test says no"}};
            } else if (type == "open_listeners" || type == "open_probe_sockets") {
                fds.assign(body.at("count").get<std::size_t>(), STDIN_FILENO);
            } else if (type == "report" && silent) {
                continue;
            } else if (type == "configure" && fails_after_configure.exchange(false)) {
                up = false;
            } else if (type == "report") {
                reply = report();
            }
            reply["id"] = body.at("id");
            static_cast<void>(channel_.send(reply, fds));
        }
    }
    std::function<void(const std::string&)> hook() {
        const std::lock_guard lock(mutex_);
        return on_request_;
    }
    json report() const {
        const json check{{"state", !checked ? "unknown" : up ? "up" : "down"}, {"why", "200"}};
        json backends = json::array();
        for (const char* server : {"web1", "web2"}) {
            backends.push_back({{"server", server}, {"active", active.load()}, {"check", check}});
        }
        return {{"type", "report"},
                {"pools", {{{"name", "app"}, {"backends", backends}}, {{"name", "chat"}, {"backends", backends}}}}};
    }

    link::Channel channel_;
    std::mutex mutex_;
    std::map<std::string, json> last_;
    std::string refused_;
    std::function<void(const std::string&)> on_request_;
    std::thread thread_;
};

class ControlTest : public testing::Test {
protected:
    void SetUp() override {
        if (::unshare(CLONE_NEWNET) != 0) {
            GTEST_SKIP() << "needs root: no network namespace of its own";
        }
        std::string name = "/tmp/gatehouse-control-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        write_config(plain_config);
        auto manager = netfilter::FenceManager::open();
        if (!manager) {
            GTEST_SKIP() << manager.error().line();
        }
        kernel_.emplace(std::move(*manager));
        begin();
    }
    void TearDown() override {
        end();
        if (!folder_.empty()) {
            fs::remove_all(folder_);
        }
    }

    void write_config(const std::string& text) const {
        std::ofstream(folder_ / "g.toml") << text << "[control]\nstate = \"" << folder_.string() << "\"\n";
    }

    void begin() {
        auto supervisor = link::make_pair();
        auto proxy = link::make_pair();
        supervisor_ = std::make_unique<Peer>(std::move(supervisor->first));
        proxy_ = std::make_unique<Peer>(std::move(proxy->first));
        link_ = std::make_unique<SupervisorLink>(std::move(supervisor->second));
        log_ = std::make_unique<core::base::Log>(null_.get());
        control_ = std::make_unique<Control>(*config::load(folder_ / "g.toml"), *link_, *log_, look_up_);
        start_helper();
        introduce("proxy", proxy->second);
        settle();
    }
    void end() {
        control_.reset();
        link_.reset();
        supervisor_.reset();
        proxy_.reset();
        if (helper_.joinable()) {
            helper_.join();
        }
    }
    void start_helper() {
        auto pair = link::make_pair();
        helper_ = std::thread([this, end = pair->first.release()] {
            const Descriptor own(end);
            static_cast<void>(netfilter::serve(end, *kernel_, tests::support::allow_any_redirect));
        });
        introduce("fence", pair->second);
    }
    void introduce(const char* process, const Descriptor& end) {
        const int fds[] = {end.get()};
        supervisor_->tell({{"type", "child_started"}, {"process", process}, {"pid", 7}, {"beside", false}}, fds);
        // A notice of the fence process wakes the link too.
        std::optional<link::Notice> event;
        for (int tries = 0; tries < 5 && !event; ++tries) {
            event = link_->next_event(Control::Clock::now() + std::chrono::seconds(5));
        }
        ASSERT_TRUE(event.has_value());
        control_->handle(std::move(*event));
    }
    void settle() { control_->tick(Control::Clock::now() + std::chrono::milliseconds(1)); }

    FenceOrder order(std::vector<std::string> servers) const {
        FenceOrder made;
        made.servers = std::move(servers);
        made.who = "ann";
        made.why = "deploy";
        return made;
    }
    UnfenceOrder lift(std::vector<std::string> servers) const {
        UnfenceOrder made;
        made.servers = std::move(servers);
        return made;
    }
    std::vector<std::string> fenced() {
        std::vector<std::string> all;
        const auto listed = kernel_->list();
        for (const auto& fence : *listed) {
            all.push_back(fence.backend.text());
        }
        return all;
    }

    Names::LookUp look_up_ = &look_up_name;
    fs::path folder_;
    Descriptor null_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    std::optional<netfilter::FenceManager> kernel_;
    std::unique_ptr<Peer> supervisor_;
    std::unique_ptr<Peer> proxy_;
    std::unique_ptr<SupervisorLink> link_;
    std::unique_ptr<core::base::Log> log_;
    std::unique_ptr<Control> control_;
    std::thread helper_;
};

}  // namespace appliance::control
