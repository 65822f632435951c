#include "appliance/control/configuration/configuration_changes.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "appliance/config/file/load.hpp"
#include "appliance/control/configuration/differences.hpp"
#include "appliance/control/observe/assessment.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

// What a refusal is worth depends on what the file is after it.
void say_more(core::Error& error, const std::string& more) {
    error.mend = error.mend.empty() ? more : error.mend + "; " + more;
}

// The user, the state folder and the control socket are root's to set. A caller that may apply a configuration may not
// change them: the supervisor uses them with more rights than control has. written: what the file says now.
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

core::Error still_waits(const ConfigurationTrial& trial) {
    return {"another change waits to be confirmed",
            fmt::format("by {}, until {}", trial.who, core::base::print_time(trial.until)),
            "gatehouse config confirm keeps it, gatehouse config rollback takes it back", 0};
}

}  // namespace

Outcome<Json> ConfigurationChanges::reload(const ReloadOrder& order) {
    std::unique_lock lock(shared_.changing);
    auto done = change({std::nullopt, order});
    const std::uint64_t change = trials_.change();
    lock.unlock();
    return trials_.wait_for_look(std::move(done), change);
}

void ConfigurationChanges::reload_unwatched(const ReloadOrder& order) {
    const std::lock_guard lock(shared_.changing);
    static_cast<void>(change({std::nullopt, order}));
}

// The trial is on the disk before anything changes, so that no crash can make the change permanent.
Outcome<Json> ConfigurationChanges::change(const Change& change) {
    if (shared_.trial && !change.order.confirm) {
        auto refused = refuse(409, still_waits(*shared_.trial));
        shared_.log("reload",
                    {{"error", refused.value().error.line()}, {"who", change.order.who}, {"why", change.order.why}});
        return refused;
    }
    const auto before = shared_.wanted().config;
    const auto text = change.text ? core::Result<std::string>(*change.text) : reloader_.file().text();
    const auto wanted = text ? config::parse(*text, before->file) : config::load(before->file);
    const bool differs = text && *text != reloader_.running_text();
    const std::set<std::string> served =
        wanted ? served_before(*before, shared_.report(), *wanted) : std::set<std::string>();
    const auto former = shared_.trial;
    if (wanted && differs && change.order.confirm) {
        if (auto begun = trials_.begin(change.order, served); !begun) {
            return refuse(409, std::move(begun.error()));
        }
    }
    auto taken = change.text ? replace_file(*change.text, change.order.who, change.order.why)
                             : reloader_.take_file(change.order.who, change.order.why);
    if (!taken) {
        if (const auto back = shared_.trial == former ? core::Result<void>() : trials_.set(former); !back) {
            shared_.log("configuration", {{"error", back.error().line()}});
        }
        return taken;
    }
    trials_.begin_look(served);
    if (shared_.trial && !(shared_.trial == former)) {
        shared_.log("configuration", {{"state", "on trial"},
                                      {"who", shared_.trial->who},
                                      {"why", shared_.trial->why},
                                      {"until", core::base::print_time(shared_.trial->until)}});
    }
    (*taken)["trial"] = view_trial(shared_.trial);
    return taken;
}

Outcome<std::string> ConfigurationChanges::text(Edition edition) {
    const std::lock_guard lock(shared_.changing);
    if (edition == Edition::current) {
        auto text = reloader_.file().text();
        return text ? Outcome<std::string>(std::move(*text)) : refuse(std::move(text.error()));
    }
    auto previous = reloader_.file().previous();
    if (!previous) {
        return refuse(std::move(previous.error()));
    }
    return *previous ? Outcome<std::string>(std::move(**previous)) : no_previous();
}

Outcome<Json> ConfigurationChanges::apply(const ConfigurationOrder& order) {
    if (order.text.size() > config::Bounds::file_bytes) {
        return refuse(413, {"the configuration is too long",
                            fmt::format("it holds more than {} KiB", config::Bounds::file_bytes / 1024), "", 0});
    }
    if (order.dry_run) {
        return try_out(order.text);
    }
    std::unique_lock lock(shared_.changing);
    if (auto allowed = keeps_the_file(order.text); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
    }
    auto done = change({order.text, {order.who, order.why, order.confirm}});
    const std::uint64_t change = trials_.change();
    lock.unlock();
    return trials_.wait_for_look(std::move(done), change);
}

Outcome<Json> ConfigurationChanges::try_out(const std::string& text) {
    const std::lock_guard lock(shared_.changing);
    const auto running = shared_.wanted().config;
    auto wanted = config::parse(text, running->file);
    if (!wanted) {
        return tl::unexpected(refuse_configuration(wanted.error()));
    }
    if (auto allowed = keeps_the_file(text); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
    }
    std::vector<std::string> notes;
    config::Config taken = keep_fixed(*running, std::move(*wanted), notes);
    reloader_.give_addresses(taken);
    std::vector<std::string> changed = describe_changes(*running, taken);
    changed.insert(changed.end(), notes.begin(), notes.end());
    return Json{{"changed", std::move(changed)}, {"file", running->file.string()}, {"dry_run", true}};
}

// A text that is no configuration is refused by the function that takes it.
Outcome<void> ConfigurationChanges::keeps_the_file(const std::string& text) const {
    const auto running = shared_.wanted().config;
    const auto wanted = config::parse(text, running->file);
    const auto written = config::load(running->file);
    return wanted ? keeps_the_machines(written ? *written : *running, *wanted) : Outcome<void>();
}

Outcome<Json> ConfigurationChanges::rollback(const std::string& who, const std::string& why) {
    std::unique_lock lock(shared_.changing);
    if (shared_.trial) {
        return trials_.roll_back(who, why);
    }
    const auto previous = reloader_.file().previous();
    if (!previous) {
        return refuse(previous.error());
    }
    if (!*previous) {
        return no_previous();
    }
    if (const auto wanted = config::parse(**previous, shared_.wanted().config->file); !wanted) {
        Refusal refusal = refuse_configuration(wanted.error());
        refusal.error = {"the previous configuration is invalid", "", "nothing has changed; apply a mended one", 0};
        return tl::unexpected(std::move(refusal));
    }
    if (auto allowed = keeps_the_file(**previous); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
    }
    auto done = change({**previous, {who, why, std::nullopt}});
    const std::uint64_t change = trials_.change();
    lock.unlock();
    return trials_.wait_for_look(std::move(done), change);
}

// The caller has looked whether the text is valid. One that is there already is not written again, or the previous one
// would be forgotten for nothing.
Outcome<Json> ConfigurationChanges::replace_file(const std::string& text, const std::string& who,
                                                 const std::string& why) {
    const std::string file = shared_.wanted().config->file.string();
    const bool same = reloader_.file().text() == text;
    if (auto written = same ? core::Result<void>() : reloader_.file().replace(text); !written) {
        shared_.log("configuration", {{"file", file}, {"error", written.error().line()}, {"who", who}, {"why", why}});
        return refuse(409, std::move(written.error()));
    }
    auto taken = reloader_.take_file(who, why);
    if (!taken) {
        if (const auto back = same ? core::Result<void>() : reloader_.file().take_back(); back) {
            say_more(taken.error().error, "the configuration is the one before");
        } else {
            say_more(taken.error().error, fmt::format("{} is the new one all the same: {}", file, back.error().line()));
        }
        return taken;
    }
    if (const auto kept = same ? core::Result<void>() : reloader_.file().keep(); !kept) {
        shared_.log("configuration", {{"file", file}, {"error", kept.error().line()}});
    }
    shared_.log("configuration", {{"file", file}, {"written", !same}, {"who", who}, {"why", why}});
    (*taken)["file"] = file;
    (*taken)["written"] = !same;
    return taken;
}

}  // namespace appliance::control
