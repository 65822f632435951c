// Shared parts of this room's tests: a network namespace for each test, nft as the oracle, and real connects.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "netfilter/fence/fence_manager.hpp"

namespace netfilter::test {

using core::Address;
using core::base::Descriptor;

// Runs a command in the test's namespace and returns its output; a failure fails the test.
inline std::string run(const std::string& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
    std::string output;
    char piece[4096];
    while (const auto size = fread(piece, 1, sizeof piece, pipe.get())) {
        output.append(piece, size);
    }
    const int status = pclose(pipe.release());
    EXPECT_EQ(status, 0) << command << "\n" << output;
    return output;
}

// A listing without what nft after 1.0.6 prints differently: line ends, bursts of limits, a priority's name. With nft
// 1.0.6 or older the listing stays as it is, so every byte counts there.
inline std::string in_any_layout(const std::string& listing) {
    static const bool same_layout = run("nft --version").find("nftables v1.0.") == 0;
    if (same_layout) {
        return listing;
    }
    std::string words = std::regex_replace(listing, std::regex(" burst 5 packets"), "");
    words = std::regex_replace(words, std::regex("hook output priority dstnat"), "hook output priority -100");
    return std::regex_replace(words, std::regex("\\s+"), " ");
}

// nft's listing of our table, by kind ("map", "chain", "rule").
inline std::vector<nlohmann::json> nft_objects(const std::string& kind, const std::string& list = "list ruleset") {
    std::vector<nlohmann::json> found;
    auto all = nlohmann::json::parse(run("nft -j " + list));
    for (auto& each : all["nftables"]) {
        if (each.contains(kind)) {
            found.push_back(each[kind]);
        }
    }
    return found;
}

// The elements of one of our maps, as nft sees them.
inline nlohmann::json nft_elements(const std::string& map) {
    for (auto& each : nft_objects("map")) {
        if (each["name"] == map) {
            return each.value("elem", nlohmann::json::array());
        }
    }
    return nlohmann::json::array();
}

class Kernel : public testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN): run the tests as root";
        }
        if (unshare(CLONE_NEWNET) != 0) {
            GTEST_SKIP() << "needs network namespaces: unshare(CLONE_NEWNET): " << strerror(errno);
        }
        if (access("/usr/sbin/nft", X_OK) != 0) {
            GTEST_SKIP() << "needs nft as the oracle: apt-get install nftables";
        }
        const Descriptor any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
        request.ifr_flags = IFF_UP;
        ASSERT_EQ(ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
        auto opened = FenceManager::open();
        ASSERT_TRUE(opened) << opened.error().line();
        manager_.emplace(std::move(*opened));
    }

    void apply(std::vector<Change> changes) {
        const auto done = manager_->apply(changes);
        ASSERT_TRUE(done) << done.error().line();
    }
    std::vector<Fence> list() {
        auto fences = manager_->list();
        EXPECT_TRUE(fences) << (fences ? "" : fences.error().line());
        return fences ? *fences : std::vector<Fence>{};
    }

    std::optional<FenceManager> manager_;
};

inline Fence make_fence(const Address& backend) {
    using namespace std::chrono;
    Fence fence;
    fence.backend = backend;
    fence.id = "7f3a";
    fence.who = "ann";
    fence.why = "deploy v42";
    fence.since = floor<seconds>(core::base::wall_now());
    return fence;
}

// A listener on a port that the kernel chooses.
class Listener {
public:
    explicit Listener(const char* host) : descriptor_(socket(parse(host).family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_storage storage{};
        auto length = parse(host).fill(storage);
        EXPECT_EQ(bind(descriptor_.get(), reinterpret_cast<sockaddr*>(&storage), length), 0) << strerror(errno);
        EXPECT_EQ(listen(descriptor_.get(), 128), 0);
        length = sizeof storage;
        getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&storage), &length);
        address_ = Address::from(storage);
    }
    [[nodiscard]] const Address& address() const { return address_; }
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    [[nodiscard]] Descriptor accept() const { return Descriptor(::accept(descriptor_.get(), nullptr, nullptr)); }

private:
    static Address parse(const char* host) { return *Address::parse_host(host, 0); }
    Descriptor descriptor_;
    Address address_;
};

struct Attempt {
    int os_error = 0;  // 0: connected; ETIMEDOUT: no answer within the patience
    Descriptor descriptor;
};

// A non-blocking connect that waits for its result, at most `patience`.
inline Attempt attempt(const Address& to, std::uint32_t mark = 0, int patience_ms = 3000) {
    Attempt made{0, Descriptor(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
    if (mark != 0) {
        EXPECT_EQ(setsockopt(made.descriptor.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
    }
    sockaddr_storage storage{};
    const auto length = to.fill(storage);
    if (connect(made.descriptor.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0) {
        return made;
    }
    made.os_error = errno;
    pollfd waited{made.descriptor.get(), POLLOUT, 0};
    if (made.os_error == EINPROGRESS && poll(&waited, 1, patience_ms) == 0) {
        made.os_error = ETIMEDOUT;
    } else if (made.os_error == EINPROGRESS) {
        socklen_t size = sizeof made.os_error;
        getsockopt(made.descriptor.get(), SOL_SOCKET, SO_ERROR, &made.os_error, &size);
    }
    return made;
}

inline int connect_error(const Address& to, std::uint32_t mark = 0, int patience_ms = 3000) {
    return attempt(to, mark, patience_ms).os_error;
}

}  // namespace netfilter::test
