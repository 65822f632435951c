// The configuration file, changed through the API: another text in its place, and back.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/config/load.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/engine/differences.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;

// What a refusal is worth depends on what the file is after it.
void say_more(core::Error& error, const std::string& more) {
    error.mend = error.mend.empty() ? more : error.mend + "; " + more;
}

// What the processes may do on their machine, and where, is for its root to say, not for whoever may apply a
// configuration: the supervisor goes by it with more rights than control has. written: what the file says now.
Outcome<void> keeps_the_machines(const config::Config& written, const config::Config& wanted) {
    const bool user = written.proxy.user == wanted.proxy.user;
    const bool state = written.control.state == wanted.control.state;
    if (user && state && written.control.socket == wanted.control.socket) {
        return {};
    }
    const char* key = !user ? "user of [proxy]" : !state ? "state of [control]" : "socket of [control]";
    return refuse(409, {fmt::format("{} cannot be changed from here", key),
                        "it decides what the processes may do on their machine",
                        fmt::format("there, as root, edit {}, then {}", written.file.string(),
                                    user && state ? "start gatehouse again" : "gatehouse upgrade"),
                        0});
}

tl::unexpected<Refusal> no_previous() {
    return refuse(404, {"there is no previous configuration", "nothing has been applied yet", "", 0});
}

}  // namespace

Outcome<std::string> Control::configuration(Edition edition) {
    const std::lock_guard lock(changing_);
    if (edition == Edition::current) {
        auto text = file_.text();
        return text ? Outcome<std::string>(std::move(*text)) : refuse(std::move(text.error()));
    }
    auto previous = file_.previous();
    if (!previous) {
        return refuse(std::move(previous.error()));
    }
    return *previous ? Outcome<std::string>(std::move(**previous)) : no_previous();
}

Outcome<Json> Control::apply(const ConfigurationOrder& order) {
    if (order.text.size() > config::Bounds::file_bytes) {
        return refuse(413, {"the configuration is too long",
                            fmt::format("it holds more than {} KiB", config::Bounds::file_bytes / 1024), "", 0});
    }
    if (order.dry_run) {
        return try_out(order.text);
    }
    std::unique_lock lock(changing_);
    if (auto allowed = keeps_the_file(order.text); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
    }
    auto done = change({order.text, {order.who, order.why, order.confirm}});
    const std::uint64_t change = look_.change;
    lock.unlock();
    return wait_for_look(std::move(done), change);
}

Outcome<Json> Control::try_out(const std::string& text) {
    const std::lock_guard lock(changing_);
    const auto running = state().config;
    auto wanted = config::parse(text, running->file);
    if (!wanted) {
        return tl::unexpected(refuse_configuration(wanted.error()));
    }
    if (auto allowed = keeps_the_file(text); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
    }
    std::vector<std::string> notes;
    config::Config taken = keep_fixed(*running, std::move(*wanted), notes);
    give_addresses(taken);
    std::vector<std::string> changed = describe_changes(*running, taken);
    changed.insert(changed.end(), notes.begin(), notes.end());
    return Json{{"changed", std::move(changed)}, {"file", running->file.string()}, {"dry_run", true}};
}

// A text that is no configuration is complained of by whoever takes it.
Outcome<void> Control::keeps_the_file(const std::string& text) const {
    const auto running = state().config;
    const auto wanted = config::parse(text, running->file);
    const auto written = config::load(running->file);
    return wanted ? keeps_the_machines(written ? *written : *running, *wanted) : Outcome<void>();
}

Outcome<Json> Control::rollback(const std::string& who, const std::string& why) {
    std::unique_lock lock(changing_);
    if (trial_) {
        return roll_trial_back(who, why);
    }
    const auto previous = file_.previous();
    if (!previous) {
        return refuse(previous.error());
    }
    if (!*previous) {
        return no_previous();
    }
    if (const auto wanted = config::parse(**previous, state().config->file); !wanted) {
        Refusal refusal = refuse_configuration(wanted.error());
        refusal.error = {"the previous configuration is invalid", "", "nothing has changed; apply a mended one", 0};
        return tl::unexpected(std::move(refusal));
    }
    if (auto allowed = keeps_the_file(**previous); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
    }
    auto done = change({**previous, {who, why, std::nullopt}});
    const std::uint64_t change = look_.change;
    lock.unlock();
    return wait_for_look(std::move(done), change);
}

// The caller has looked whether the text is valid. One that is there already is not written again, or the previous one
// would be forgotten for nothing.
Outcome<Json> Control::replace_file(const std::string& text, const std::string& who, const std::string& why) {
    const std::string file = state().config->file.string();
    const bool same = file_.text() == text;
    if (auto written = same ? core::Result<void>() : file_.replace(text); !written) {
        log("configuration", {{"file", file}, {"error", written.error().line()}, {"who", who}, {"why", why}});
        return refuse(409, std::move(written.error()));
    }
    auto taken = take_file(who, why);
    if (!taken) {
        if (const auto back = same ? core::Result<void>() : file_.take_back(); back) {
            say_more(taken.error().error, "the configuration is the one before");
        } else {
            say_more(taken.error().error, fmt::format("{} is the new one all the same: {}", file, back.error().line()));
        }
        return taken;
    }
    if (const auto kept = same ? core::Result<void>() : file_.keep(); !kept) {
        log("configuration", {{"file", file}, {"error", kept.error().line()}});
    }
    log("configuration", {{"file", file}, {"written", !same}, {"who", who}, {"why", why}});
    (*taken)["file"] = file;
    (*taken)["written"] = !same;
    return taken;
}

}  // namespace appliance::control
