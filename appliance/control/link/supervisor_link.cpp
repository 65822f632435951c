#include "appliance/control/link/supervisor_link.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "appliance/control/link/messages.hpp"
#include "appliance/link/fields.hpp"
#include "core/base/clock.hpp"

namespace appliance::control {
namespace {

using core::base::Descriptor;
using nlohmann::json;

// It lets the new program take ten seconds, and then ends it.
constexpr std::chrono::seconds upgrade_max{15};

}  // namespace

SupervisorLink::SupervisorLink(Descriptor socket) : channel_(std::move(socket)), reader_([this] { read(); }) {}

SupervisorLink::~SupervisorLink() {
    ::shutdown(channel_.fd(), SHUT_RDWR);
    reader_.join();
}

void SupervisorLink::read() {
    for (;;) {
        auto message = channel_.receive(core::Milliseconds{60'000});
        const std::lock_guard lock(mutex_);
        // One that does not keep to the form is no supervisor of ours: that is our end too.
        if (!message || (*message && !take(std::move(**message)))) {
            ended_ = true;
            changed_.notify_all();
            return;
        }
        changed_.notify_all();
    }
}

// An answer to a question that no thread waits for any more is dropped.
core::Result<void> SupervisorLink::take(link::Message message) {
    if (!message.body.contains("id")) {
        return link::decode_notice(std::move(message)).map([this](link::Notice notice) {
            events_.push_back(std::move(notice));
        });
    }
    return link::decode("the supervisor", [&message] { return link::read_number<std::uint64_t>(message.body, "id"); })
        .map([this, &message](std::uint64_t id) {
            if (const auto waiting = answers_.find(id); waiting != answers_.end()) {
                waiting->second = std::move(message);
            }
        });
}

std::optional<link::Notice> SupervisorLink::next_event(Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    core::base::wait_for(changed_, lock, deadline - Clock::now(),
                         [this] { return ended_ || woken_ || !events_.empty(); });
    woken_ = false;
    if (events_.empty()) {
        return std::nullopt;
    }
    link::Notice event = std::move(events_.front());
    events_.pop_front();
    return event;
}

void SupervisorLink::wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
}

bool SupervisorLink::ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
}

core::Result<link::Message> SupervisorLink::ask(json request, std::chrono::seconds patience) {
    std::unique_lock lock(mutex_);
    const std::uint64_t id = ++next_id_;
    answers_.emplace(id, std::nullopt);
    lock.unlock();
    request["id"] = id;
    {
        const std::lock_guard one(sending_);
        if (auto sent = channel_.send(request); !sent) {
            const std::lock_guard again(mutex_);
            answers_.erase(id);
            return tl::unexpected(std::move(sent.error()));
        }
    }
    lock.lock();
    core::base::wait_for(changed_, lock, patience, [&] { return ended_ || answers_[id].has_value(); });
    std::optional<link::Message> answer = std::move(answers_[id]);
    answers_.erase(id);
    if (!answer) {
        return core::fail_os("the supervisor does not answer", ended_ ? EPIPE : ETIMEDOUT);
    }
    if (answer->body.value("type", json()) != "done") {
        return tl::unexpected(read_refusal(answer->body, "the supervisor refused"));
    }
    return std::move(*answer);
}

void SupervisorLink::end_child(link::Process process, const std::string& why) {
    std::unique_lock lock(mutex_);
    const std::uint64_t id = ++next_id_;
    lock.unlock();
    const std::lock_guard one(sending_);
    // Where that fails the supervisor is gone, and so are we.
    static_cast<void>(
        channel_.send({{"type", "end_child"}, {"id", id}, {"process", link::print(process)}, {"why", why}}));
}

core::Result<std::vector<Descriptor>> SupervisorLink::open_listeners(const core::Address& address, std::size_t count) {
    return ask({{"type", "open_listeners"}, {"address", address.text()}, {"count", count}})
        .map([](link::Message message) { return std::move(message.fds); });
}

core::Result<void> SupervisorLink::close_listeners(const core::Address& address) {
    return ask({{"type", "close_listeners"}, {"address", address.text()}}).map([](const link::Message&) {});
}

core::Result<std::vector<Descriptor>> SupervisorLink::open_probe_sockets(std::string_view family, std::size_t count) {
    return ask({{"type", "open_probe_sockets"}, {"family", family}, {"count", count}}).map([](link::Message message) {
        return std::move(message.fds);
    });
}

core::Result<bool> SupervisorLink::is_child(pid_t pid) {
    return ask({{"type", "is_child"}, {"pid", pid}}).and_then([](const link::Message& message) -> core::Result<bool> {
        const json child = message.body.value("child", json());
        if (!child.is_boolean()) {
            return core::fail("cannot understand the supervisor", "it does not say whether a process is its child");
        }
        return child.get<bool>();
    });
}

core::Result<json> SupervisorLink::check_upgrade(const std::string& who, const std::string& why) {
    return ask({{"type", "check_upgrade"}, {"who", who}, {"why", why}}, upgrade_max)
        .map([](const link::Message& message) { return message.body; });
}

core::Result<void> SupervisorLink::upgrade() {
    return ask({{"type", "upgrade"}}, upgrade_max).map([](const link::Message&) {});
}

core::Result<void> SupervisorLink::ready() {
    return ask({{"type", "ready"}}).map([](const link::Message&) {});
}

}  // namespace appliance::control
