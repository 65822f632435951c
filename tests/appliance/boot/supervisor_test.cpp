// The supervisor with real children: this very test program, started again by it with --role, as the product does.
#include "appliance/boot/supervisor/supervisor.hpp"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "appliance/api/client.hpp"
#include "appliance/boot/roles.hpp"
#include "tests/support/eventually.hpp"

namespace appliance::boot {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* plain_config = R"(
[listen.web]
address = "127.0.0.1:8080"
mode = "http"
pool = "app"
[server.web1]
host = "127.0.0.11"
[pool.app]
port = 8000
servers = ["web1"]
[proxy]
user = "nobody"
workers = 1
drain = "1s"
)";

void raise_loopback() {
    const core::base::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::string_view("lo").copy(request.ifr_name, sizeof(request.ifr_name) - 1);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    EXPECT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &request), 0);
}

class SupervisorTest : public testing::Test {
protected:
    void SetUp() override {
        if (::unshare(CLONE_NEWNET) != 0) {
            GTEST_SKIP() << "needs root: no network namespace of its own";
        }
        raise_loopback();
        std::string name = "/tmp/gatehouse-boot-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        ::chmod(folder_.c_str(), 0755);
        socket_ = folder_ / "control.sock";
        write_config(plain_config);
    }
    void TearDown() override {
        if (daemon_ > 0) {
            ::kill(daemon_, SIGKILL);
            ::waitpid(daemon_, nullptr, 0);
        }
        if (!folder_.empty()) {
            fs::remove_all(folder_);
        }
    }

    void write_config(const std::string& text) const {
        std::ofstream(folder_ / "g.toml") << text << "[control]\nsocket = \"" << socket_.string() << "\"\nstate = \""
                                          << (folder_ / "state").string() << "\"\n";
    }
    void start() {
        daemon_ = ::fork();
        if (daemon_ == 0) {
            ::_exit(run_daemon(folder_ / "g.toml"));
        }
    }
    json ask() const {
        const auto answer = api::Client(socket_).get("/v1/status");
        return answer ? json::parse(answer->body, nullptr, false) : json();
    }
    // Asks until the state is as wished; the socket's queue makes most of the waiting.
    template <typename Wish>
    json await(Wish wish) const {
        for (int i = 0; i < 1000; ++i) {
            json status = ask();
            if (status.is_object() && wish(status)) {
                return status;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        ADD_FAILURE() << "never came true: " << ask().dump();
        return {};
    }
    static bool all_running(const json& status) {
        return status["proxy"]["state"] == "running" && status["fence_helper"]["state"] == "running";
    }
    pid_t child_of(const std::string& role) const {
        std::ifstream list("/proc/" + std::to_string(daemon_) + "/task/" + std::to_string(daemon_) + "/children");
        for (pid_t pid = 0; list >> pid;) {
            std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
            const std::string line((std::istreambuf_iterator<char>(file)), {});
            if (line.find(role + std::string(1, '\0')) != std::string::npos) {
                return pid;
            }
        }
        return 0;
    }
    int wait_for_end() {
        int status = 0;
        ::waitpid(daemon_, &status, 0);
        daemon_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    fs::path folder_;
    fs::path socket_;
    pid_t daemon_ = 0;
};

TEST_F(SupervisorTest, ReplacesEachProcessThatIsKilled) {
    start();
    await(all_running);
    for (const char* role : {"control", "fence", "proxy"}) {
        const pid_t before = child_of(role);
        ASSERT_GT(before, 0) << role;
        ASSERT_EQ(::kill(before, SIGKILL), 0);
        await([&](const json& status) {
            const pid_t after = child_of(role);
            return all_running(status) && after > 0 && after != before;
        });
    }
}

TEST_F(SupervisorTest, ControlGoesFirstWhereMemoryEnds) {
    start();
    await(all_running);
    const auto score_of = [](const std::string& pid) {
        int score = -1;
        std::ifstream("/proc/" + pid + "/oom_score_adj") >> score;
        return score;
    };
    const int own = score_of("self");
    EXPECT_EQ(score_of(std::to_string(child_of("control"))), std::max(own, 500));
    EXPECT_EQ(score_of(std::to_string(child_of("proxy"))), own);
    EXPECT_EQ(score_of(std::to_string(child_of("fence"))), own);
}

TEST_F(SupervisorTest, ItsChildrenDieWithIt) {
    start();
    await(all_running);
    const pid_t proxy = child_of("proxy");
    ::kill(daemon_, SIGKILL);
    wait_for_end();
    EXPECT_TRUE(tests::support::eventually([&] {
        std::error_code gone;
        return !fs::exists(fs::read_symlink("/proc/" + std::to_string(proxy) + "/exe", gone));
    }));
}

TEST_F(SupervisorTest, EndsInOrderOnSigtermAndLeavesNoSocket) {
    start();
    await(all_running);
    ::kill(daemon_, SIGTERM);
    EXPECT_EQ(wait_for_end(), 0);
    EXPECT_FALSE(fs::exists(socket_));
}

TEST_F(SupervisorTest, SighupReloads) {
    start();
    await(all_running);
    std::string changed = plain_config;
    changed.replace(changed.find("127.0.0.11"), 10, "127.0.0.12");
    write_config(changed);
    ::kill(daemon_, SIGHUP);
    await([](const json& status) { return status["pools"][0]["backends"][0]["address"] == "127.0.0.12:8000"; });
}

TEST_F(SupervisorTest, ExitsTwoForAnInvalidConfiguration) {
    write_config("[listen.web]\nadress = 1\n");
    start();
    EXPECT_EQ(wait_for_end(), 2);
}

TEST_F(SupervisorTest, ExitsTwoWhenItsUserCannotReadTheFile) {
    ::chmod((folder_ / "g.toml").c_str(), 0600);
    start();
    EXPECT_EQ(wait_for_end(), 2);
    EXPECT_FALSE(fs::exists(socket_));
}

TEST_F(SupervisorTest, ExitsOneWhenTheAddressIsTaken) {
    Listeners other;
    ASSERT_TRUE(other.open(*core::Address::parse("127.0.0.1:8080"), 1).has_value());
    start();
    EXPECT_EQ(wait_for_end(), 1);
    EXPECT_FALSE(fs::exists(socket_));
}

}  // namespace
}  // namespace appliance::boot

// gtest's own main would not know the children that the supervisor makes of this program.
int main(int argc, char** argv) {
    if (appliance::boot::is_child(argc, argv)) {
        return appliance::boot::run_child(argc, argv);
    }
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
