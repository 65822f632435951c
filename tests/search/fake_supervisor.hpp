// FakeSupervisor: answers control's requests to the supervisor, and reports starts and ends of processes.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "appliance/link/channel.hpp"
#include "core/base/descriptor.hpp"

namespace tests::search {

class FakeSupervisor {
public:
    explicit FakeSupervisor(core::base::Descriptor end) : channel_(std::move(end)), thread_([this] { serve(); }) {}
    FakeSupervisor(const FakeSupervisor&) = delete;
    FakeSupervisor& operator=(const FakeSupervisor&) = delete;
    ~FakeSupervisor() {
        ::shutdown(channel_.fd(), SHUT_RDWR);
        thread_.join();
    }

    void tell(const nlohmann::json& event, std::span<const int> fds = {}) {
        const std::lock_guard lock(sending_);
        static_cast<void>(channel_.send(event, fds));
    }
    // So many requests for listeners are refused.
    std::atomic<unsigned> refuse_listeners = 0;

private:
    void serve() {
        for (;;) {
            auto got = channel_.receive(core::Milliseconds{60'000});
            if (!got) {
                return;
            }
            if (!*got) {
                continue;
            }
            const nlohmann::json& asked = (*got)->body;
            const std::string type = asked.value("type", "");
            nlohmann::json answer{{"type", "done"}};
            std::vector<int> fds;
            if (type == "open_listeners" && refuse_listeners > 0) {
                --refuse_listeners;
                answer = {{"type", "failed"}, {"error", "the port is taken"}};
            } else if (type == "open_listeners" || type == "open_probe_sockets") {
                fds.assign(asked.at("count").get<std::size_t>(), null_.get());
            }
            answer["id"] = asked.at("id");
            tell(answer, fds);
        }
    }

    const core::base::Descriptor null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    std::mutex sending_;
    appliance::link::Channel channel_;
    std::thread thread_;
};

}  // namespace tests::search
