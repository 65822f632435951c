#include "tests/search/house.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "appliance/config/file/load.hpp"
#include "appliance/control/state/store.hpp"
#include "core/base/verify.hpp"
#include "netfilter/agent/helper.hpp"
#include "netfilter/fence/fence_table.hpp"
#include "netfilter/protocol/notice.hpp"
#include "tests/support/any_redirect.hpp"

namespace tests::search {
namespace {

namespace fs = std::filesystem;
using appliance::control::Control;
using appliance::control::SupervisorLink;

constexpr unsigned chat_port = 5222;
constexpr core::Milliseconds settle_look{100};

fs::path make_folder() {
    // On a memory disk, where there is one: the disk's speed does not matter here.
    std::string name = fs::exists("/dev/shm") ? "/dev/shm/gatehouse-search-XXXXXX" : "/tmp/gatehouse-search-XXXXXX";
    VERIFY(::mkdtemp(name.data()) != nullptr);
    return name;
}

void limit_files(bool full) {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = full ? 0 : limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
}

std::string host_of(unsigned server, bool moved) {
    return fmt::format("127.0.1.{}", (moved ? 21 : 11) + server);
}

}  // namespace

std::string server_name(unsigned index) {
    return fmt::format("web{}", index + 1);
}

std::vector<std::string> pools_of(unsigned server) {
    return server == 0 ? std::vector<std::string>{"app", "chat"}
                       : std::vector<std::string>{server == 3 ? "chat" : "app"};
}

House::House(SearchClock& its_clock)
    : clock(its_clock), folder_(make_folder()), null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)), log_(null_.get()) {
    std::signal(SIGXFSZ, SIG_IGN);
    for (unsigned server = 0; server < server_count; ++server) {
        for (const std::string& pool : pools_of(server)) {
            for (const bool moved : {false, true}) {
                const auto port = pool == "app" ? web.port() : chat_port;
                const std::string at = fmt::format("{}:{}", host_of(server, moved), port);
                truth.places[at] = {pool, server_name(server)};
                truth.healthy[at] = true;
            }
        }
    }
    write_config({});
    auto pair = appliance::link::make_pair();
    proxy_near_ = std::move(pair->first);
    proxy_ = std::make_unique<FakeProxy>(truth, proxy_troubles, std::move(pair->second));
    begin();
}

House::~House() {
    end_troubles();
    end();
    kill_helper();
    proxy_.reset();
    fs::remove_all(folder_);
}

namespace {

// gate() waits for a thread that is inside already, so that one does not wait here.
thread_local unsigned uses_of_this_thread = 0;

}  // namespace

House::Use::Use(House& house) : house_(house) {
    std::unique_lock lock(house_.gate_mutex_);
    house_.gate_changed_.wait(lock, [this] { return house_.gate_open_ || uses_of_this_thread > 0; });
    ++house_.using_;
    ++uses_of_this_thread;
}

House::Use::~Use() {
    const std::lock_guard lock(house_.gate_mutex_);
    --house_.using_;
    --uses_of_this_thread;
    house_.gate_changed_.notify_all();
}

void House::gate(bool open) {
    std::unique_lock lock(gate_mutex_);
    gate_open_ = open;
    gate_changed_.notify_all();
    gate_changed_.wait(lock, [this] { return gate_open_ || using_ == 0; });
}

void House::begin() {
    auto pair = appliance::link::make_pair();
    supervisor_ = std::make_unique<FakeSupervisor>(std::move(pair->first));
    link_ = std::make_unique<SupervisorLink>(std::move(pair->second));
    auto config = appliance::config::load(folder_ / "g.toml");
    VERIFY(config.has_value());
    note_strays();
    control_ = std::make_unique<Control>(std::move(*config), *link_, log_);
    note_moves(std::exchange(taken_, file_));
    actions_ = std::make_unique<SearchActions>(*control_, *link_);
    conductor_ = std::make_unique<appliance::deploy::Conductor>(*actions_, folder_);
    start_helper();
    introduce_proxy();
    supervisor_->tell({{"type", "handed_over"}});
    looping_ = true;
    loop_ = std::thread([this] { loop(); });
    gate(true);
}

// Notes fences of an unknown server. Only the kernel has kept the fence, and by the file its address is no server's. Or
// another program has taken it out, and the disk cannot be read.
void House::note_strays() {
    const auto stored = appliance::control::Store::open(folder_).and_then(
        [](appliance::control::Store&& store) { return store.load(); });
    std::set<std::string> ids;
    for (const auto& [at, record] : stored ? stored->fences : decltype(stored->fences){}) {
        ids.insert(record.id);
    }
    const std::lock_guard lock(truth.mutex);
    for (const auto& [at, place] : truth.places) {
        const auto fence = truth.in_kernel(at);
        if (!stored && !fence) {
            truth.standing[place].disputed = true;
        }
        const bool stored_too = fence && ids.contains(fence->id);
        const auto number = static_cast<unsigned>(place.second.back() - '1');
        const bool moved = at.starts_with(host_of(number, true)) != ((file_.moved >> number & 1U) != 0);
        if (fence && !stored_too && moved) {
            truth.strays.insert(fence->id);
            truth.standing[place].disputed = true;
        }
    }
}

// Control follows the file that it finds, also one that it has refused to reload. As in a reload, a moved server's
// fence moves with it.
void House::note_moves(const Layout& before) {
    std::set<std::string> moved;
    for (unsigned server = 0; server < server_count; ++server) {
        if (((before.moved ^ file_.moved) >> server & 1U) != 0) {
            moved.insert(server_name(server));
        }
    }
    if (!moved.empty()) {
        truth.begin_start(std::move(moved), fmt::format("control starts, moved {:04b}", file_.moved));
    }
}

void House::end() {
    gate(false);
    looping_ = false;
    link_->wake();
    loop_.join();
    conductor_.reset();
    actions_.reset();
    control_.reset();
    link_.reset();
    supervisor_.reset();
}

void House::loop() {
    while (looping_) {
        if (auto event = link_->next_event(control_->next_tick())) {
            control_->handle(std::move(*event));
        }
        control_->tick(Control::Clock::now());
    }
}

void House::introduce_proxy() {
    if (proxy_) {
        const int fds[] = {proxy_near_.get()};
        supervisor_->tell({{"type", "child_started"}, {"process", "proxy"}, {"pid", proxy_pid_}, {"beside", false}},
                          fds);
    }
}

void House::kill_proxy() {
    truth.note("the proxy is killed");
    proxy_.reset();
    proxy_near_.reset();
    proxy_troubles.end();
    supervisor_->tell({{"type", "child_exited"}, {"process", "proxy"}, {"why", "killed"}});
}

void House::start_proxy() {
    truth.note("a proxy starts");
    auto pair = appliance::link::make_pair();
    proxy_near_ = std::move(pair->first);
    ++proxy_pid_;
    proxy_ = std::make_unique<FakeProxy>(truth, proxy_troubles, std::move(pair->second));
    introduce_proxy();
}

void House::kill_helper() {
    if (!helper_.joinable()) {
        return;
    }
    truth.note("the fence process is killed");
    ::shutdown(helper_end_.get(), SHUT_RDWR);
    helper_.join();
    helper_end_.reset();
    manager_.reset();
    if (supervisor_) {
        supervisor_->tell({{"type", "child_exited"}, {"process", "fence"}, {"why", "killed"}});
    }
}

void House::start_helper() {
    kill_helper();
    truth.note("a fence process starts");
    auto manager = netfilter::FenceManager::open(std::make_unique<SearchKernel>(truth, kernel_troubles));
    if (!manager) {
        truth.note("the fence process ends at once: " + manager.error().line());
        return;
    }
    manager_.emplace(std::move(*manager));
    auto pair = appliance::link::make_pair();
    helper_end_ = std::move(pair->first);
    helper_ = std::thread([this, end = helper_end_.get()] {
        static_cast<void>(netfilter::serve(end, *manager_, tests::support::allow_any_redirect));
    });
    const int fds[] = {pair->second.get()};
    supervisor_->tell({{"type", "child_started"}, {"process", "fence"}, {"pid", 8}, {"beside", false}}, fds);
}

void House::restart_control() {
    truth.note("control is restarted");
    end();
    kill_helper();
    begin();
}

void House::crash_control() {
    {
        const std::lock_guard lock(truth.mutex);
        truth.crashed = true;
        truth.tell("control is killed");
    }
    limit_files(true);
    end();
    kill_helper();
    {
        const std::lock_guard lock(truth.mutex);
        truth.crashed = false;
    }
    limit_files(disk_full_);
    begin();
}

void House::flush_table() {
    {
        const std::lock_guard lock(truth.mutex);
        truth.memory->tables.clear();
        ++truth.memory->generation;
        truth.look_at_kernel(false);
    }
    netfilter::Notice notice;
    notice.process = "nft";
    const auto packet = netfilter::wire::pack(notice);
    static_cast<void>(::send(helper_end_.get(), &packet, sizeof packet, MSG_NOSIGNAL));
}

void House::remove_element(unsigned server) {
    {
        const std::lock_guard lock(truth.mutex);
        const auto table = truth.memory->tables.find(netfilter::fence_table_name);
        if (table == truth.memory->tables.end()) {
            return;
        }
        const auto at = core::Address::parse(address(server, pools_of(server).front()));
        for (auto& holding : table->second.maps) {
            holding.elements.erase(netfilter::key_of(*at, IPPROTO_TCP));
        }
        ++truth.memory->generation;
        truth.look_at_kernel(false);
    }
    const auto packet = netfilter::wire::pack(netfilter::Notice{});
    static_cast<void>(::send(helper_end_.get(), &packet, sizeof packet, MSG_NOSIGNAL));
}

void House::fill_disk(bool full) {
    truth.note(full ? "the disk is full" : "the disk has room");
    disk_full_ = full;
    limit_files(full);
}

void House::write_config(const Layout& layout) {
    if (disk_full_) {
        return;
    }
    file_ = layout;
    std::string text =
        fmt::format("[listen.web]\naddress = \"127.0.1.1:{}\"\nmode = \"http\"\npool = \"app\"\n", web.port());
    if (layout.more) {
        text += fmt::format("[listen.more]\naddress = \"127.0.1.2:{}\"\nmode = \"tcp\"\npool = \"chat\"\n", web.port());
    }
    for (unsigned server = 0; server < server_count; ++server) {
        text += fmt::format("[server.{}]\nhost = \"{}\"\n", server_name(server),
                            host_of(server, (layout.moved >> server & 1U) != 0));
    }
    text += fmt::format(
        "[pool.app]\nport = {}\nservers = [\"web1\", \"web2\", \"web3\"]\n"
        "check = {{ method = \"HEAD\", path = \"/\" }}\n"
        "[pool.chat]\nport = {}\nservers = [\"web1\", \"web4\"]\n"
        "[proxy]\nuser = \"nobody\"\nworkers = 1\n[control]\nstate = \"{}\"\n",
        web.port(), chat_port, folder_.string());
    std::ofstream(folder_ / "g.toml") << text << (layout.sound ? "" : "nonsense = 1\n");
}

void House::end_troubles() {
    kernel_troubles.spare = kernel_troubles.refuse = kernel_troubles.unknown = kernel_troubles.vanish =
        kernel_troubles.refuse_reap = 0;
    proxy_troubles.end();
    supervisor_->refuse_listeners = 0;
    clock.right_wall();
    if (disk_full_) {
        fill_disk(false);
    }
    if (!helper_.joinable()) {
        start_helper();
    }
    if (!proxy_) {
        start_proxy();
    }
}

bool House::request(const std::string& at) {
    return proxy_ && proxy_->request(at);
}

void House::end_request(const std::string& at) {
    const std::lock_guard lock(truth.mutex);
    auto& line = truth.flying[at];
    line.set(truth.step(), line.now() > 0 ? line.now() - 1 : 0);
}

void House::set_healthy(unsigned server, bool healthy) {
    const std::lock_guard lock(truth.mutex);
    for (const auto& [at, place] : truth.places) {
        truth.healthy[at] = place.second == server_name(server) ? healthy : truth.healthy[at];
    }
    truth.tell(fmt::format("{} is {}", server_name(server), healthy ? "well" : "ill"));
}

std::string House::address(unsigned server, const std::string& pool) const {
    return fmt::format("{}:{}", host_of(server, (taken_.moved >> server & 1U) != 0),
                       pool == "app" ? unsigned{web.port()} : chat_port);
}

bool House::settle(core::Milliseconds patience) {
    for (const auto deadline = core::BootClock::now() + patience; core::BootClock::now() < deadline;) {
        {
            const Use use(*this);
            const auto status = use.control().status();
            if (status["proxy"]["state"] == "running" && status["fence_helper"]["state"] == "running") {
                return true;
            }
        }
        core::base::sleep_for(settle_look);
    }
    return false;
}

}  // namespace tests::search
