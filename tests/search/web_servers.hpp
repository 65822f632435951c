// WebServers: the servers of deploys. One small HTTP server on each of some loopback addresses, all with the same port.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/descriptor.hpp"

namespace tests::search {

class WebServers {
public:
    // Of 127.0.1.x for each x of last.
    explicit WebServers(const std::vector<unsigned>& last);
    WebServers(const WebServers&) = delete;
    WebServers& operator=(const WebServers&) = delete;
    ~WebServers();

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // Answers 200, or 500 where it is broken. By the last number of the address.
    void set_broken(unsigned last, bool broken);
    // Requests answered with 200 so far.
    [[nodiscard]] std::uint64_t served(unsigned last);

private:
    struct Site {
        unsigned last = 0;
        core::base::Descriptor listener;
        bool broken = false;
        std::uint64_t served = 0;
    };
    bool open(const std::vector<unsigned>& last, std::uint16_t port);
    void serve();
    void answer(Site& site);

    std::uint16_t port_ = 0;
    std::mutex mutex_;
    std::vector<Site> sites_;
    core::base::Descriptor end_;  // an eventfd: the thread shall end
    std::thread thread_;
};

}  // namespace tests::search
