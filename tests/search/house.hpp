// House: a Gatehouse with the real control and conductor. The search may disturb the rest: processes, kernel, disk,
// clocks. Servers web1 to web4 have two addresses each, and a reload moves them from one to the other. Pool app has
// web1 to web3, pool chat has web1 and web4.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "appliance/control/engine/control.hpp"
#include "appliance/deploy/conductor.hpp"
#include "core/base/log.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "tests/search/actions.hpp"
#include "tests/search/clock.hpp"
#include "tests/search/fake_proxy.hpp"
#include "tests/search/fake_supervisor.hpp"
#include "tests/search/search_kernel.hpp"
#include "tests/search/web_servers.hpp"

namespace tests::search {

inline constexpr unsigned server_count = 4;
// "web1" for 0.
std::string server_name(unsigned index);
std::vector<std::string> pools_of(unsigned server);

// The content of the configuration file.
struct Layout {
    unsigned moved = 0;  // a bit for each server: it is at its second address
    bool more = false;   // a second listener
    bool sound = true;   // else the file is invalid
};

class House {
public:
    explicit House(SearchClock& clock);
    House(const House&) = delete;
    House& operator=(const House&) = delete;
    ~House();

    // Keeps control and conductor alive while an order uses them; waits while they are away.
    class Use {
    public:
        explicit Use(House& house);
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use();
        [[nodiscard]] appliance::control::Control& control() const { return *house_.control_; }
        [[nodiscard]] appliance::deploy::Conductor& conductor() const { return *house_.conductor_; }

    private:
        House& house_;
    };

    // Changes of the world. One thread.
    void kill_proxy();
    void start_proxy();
    [[nodiscard]] bool has_proxy() const { return proxy_ != nullptr; }
    void kill_helper();
    void start_helper();
    [[nodiscard]] bool has_helper() const { return helper_.joinable(); }
    // Control ends in order: nothing is under way.
    void restart_control();
    // Control ends at once: from here on it reaches neither kernel, proxy nor disk.
    void crash_control();
    void flush_table();
    void remove_element(unsigned server);
    void fill_disk(bool full);
    // On a full disk the file stays as it is.
    void write_config(const Layout& layout);
    // Control has taken the file as it is now.
    void took_file() { taken_ = file_; }
    // The layout that control follows.
    [[nodiscard]] const Layout& taken() const { return taken_; }
    void refuse_listeners(unsigned count) { supervisor_->refuse_listeners = count; }
    void end_troubles();
    bool request(const std::string& address);
    void end_request(const std::string& address);
    void set_healthy(unsigned server, bool healthy);

    // Waits until control knows proxy and kernel again; false: it takes too long.
    bool settle(core::Milliseconds patience = std::chrono::minutes(5));
    [[nodiscard]] std::string address(unsigned server, const std::string& pool) const;
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] bool disk_full() const { return disk_full_; }
    // By address; empty without a proxy. Truth's lock is held.
    [[nodiscard]] std::set<std::string> told() const { return proxy_ ? proxy_->fenced() : std::set<std::string>(); }
    [[nodiscard]] const FakeProxy* proxy() const { return proxy_.get(); }

    SearchClock& clock;
    Truth truth;
    KernelTroubles kernel_troubles;
    ProxyTroubles proxy_troubles;
    WebServers web{{1, 2, 11, 12, 13, 14, 21, 22, 23, 24}};

private:
    void begin();
    void note_strays();
    void note_moves(const Layout& before);
    void end();
    void loop();
    void introduce_proxy();
    void gate(bool open);

    std::filesystem::path folder_;
    Layout file_;
    Layout taken_;
    core::base::Descriptor null_;
    core::base::Log log_;
    core::base::Descriptor proxy_near_;  // control's end, which the supervisor keeps
    std::unique_ptr<FakeProxy> proxy_;
    int proxy_pid_ = 100;
    std::optional<netfilter::FenceManager> manager_;
    core::base::Descriptor helper_end_;
    std::thread helper_;
    bool disk_full_ = false;

    std::unique_ptr<FakeSupervisor> supervisor_;
    std::unique_ptr<appliance::control::SupervisorLink> link_;
    std::unique_ptr<appliance::control::Control> control_;
    std::unique_ptr<SearchActions> actions_;
    std::unique_ptr<appliance::deploy::Conductor> conductor_;
    std::atomic<bool> looping_ = false;
    std::thread loop_;

    std::mutex gate_mutex_;
    std::condition_variable gate_changed_;
    bool gate_open_ = false;
    unsigned using_ = 0;
};

}  // namespace tests::search
