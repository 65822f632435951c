#include "appliance/link/notice.hpp"

#include <utility>

#include "appliance/link/fields.hpp"

namespace appliance::link {
namespace {

using nlohmann::json;

Process read_process(const json& body) {
    const std::string name = read_text(body, "process");
    for (const Process process : {Process::control, Process::proxy, Process::fence}) {
        if (name == print(process)) {
            return process;
        }
    }
    throw Malformed("process", "is none of ours");
}

Notice read_notice(Message& message) {
    const json& body = message.body;
    const std::string type = read_text(body, "type");
    if (message.fds.size() != (type == "child_started" ? 1 : 0)) {
        throw Malformed("type", "comes with the wrong number of descriptors");
    }
    if (type == "child_started") {
        const Process process = read_process(body);
        if (process == Process::control) {
            throw Malformed("process", "is this one");
        }
        return ChildStarted{process, static_cast<pid_t>(read_number<std::uint32_t>(body, "pid", 1, 0x7fff'ffff)),
                            read_flag(body, "beside"), std::move(message.fds.front())};
    }
    if (type == "child_exited") {
        return ChildExited{read_process(body), read_text(body, "why")};
    }
    if (type == "handed_over") {
        return HandedOver{};
    }
    if (type == "reload") {
        return Reload{};
    }
    if (type == "upgrade") {
        const json& upgrade = read_field(body, "upgrade");
        return upgrade.is_object() ? UpgradeNews{upgrade, read_number<std::size_t>(body, "old_proxies")}
                                   : throw Malformed("upgrade", "is no object");
    }
    if (type == "stop") {
        return Stop{read_ms(body, "deadline_ms")};
    }
    throw Malformed("type", "is none that the supervisor sends");
}

}  // namespace

const char* print(Process process) noexcept {
    switch (process) {
        case Process::control:
            return "control";
        case Process::proxy:
            return "proxy";
        case Process::fence:
            break;
    }
    return "fence";
}

core::Result<Notice> decode_notice(Message message) {
    return decode("the supervisor", [&message] { return read_notice(message); });
}

}  // namespace appliance::link
