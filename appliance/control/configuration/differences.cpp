#include "appliance/control/configuration/differences.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "appliance/control/state/firewall_trial.hpp"

namespace appliance::control {
namespace {

using Lines = std::vector<std::string>;

// "guard" and "calendar" are said as "guard calendar: ...".
std::string subject(std::string_view what, std::string_view name) {
    return std::string(what) + " " + std::string(name) + ": ";
}

const std::string& name_of(const config::Backend& backend) {
    return backend.server;
}
template <typename Item>
const std::string& name_of(const Item& item) {
    return item.name;
}

template <typename Item>
const Item* find_named(const std::vector<Item>& items, std::string_view name) {
    const auto found =
        std::find_if(items.begin(), items.end(), [&](const Item& item) { return name_of(item) == name; });
    return found == items.end() ? nullptr : &*found;
}

// prefix: what stands before each name. changed: says how two of one name differ.
template <typename Item, typename Changed>
void compare(const std::vector<Item>& before, const std::vector<Item>& after, const std::string& prefix,
             std::string_view infix, Lines& out, Changed changed) {
    const std::size_t said = out.size();
    const auto say = [&](const Item& item, std::string_view how) {
        out.push_back(prefix + name_of(item) + std::string(infix) + std::string(how));
    };
    for (const Item& item : before) {
        if (find_named(after, name_of(item)) == nullptr) {
            say(item, "removed");
        }
    }
    for (const Item& item : after) {
        const Item* old = find_named(before, name_of(item));
        if (old == nullptr) {
            say(item, "added");
        } else if (!(*old == item)) {
            changed(*old, item);
        }
    }
    if (out.size() == said && !(before == after)) {
        out.push_back("order of each " + prefix + "changed");
    }
}

// Items of which nothing more is said than that they differ.
template <typename Item>
void compare(const std::vector<Item>& before, const std::vector<Item>& after, std::string_view what, Lines& out) {
    compare(before, after, std::string(what) + " ", ": ", out,
            [&](const Item&, const Item& item) { out.push_back(subject(what, name_of(item)) + "changed"); });
}

void compare_pool(const config::Pool& before, const config::Pool& after, Lines& out) {
    const std::size_t said = out.size();
    config::Pool rest = after;
    if (!(before.check == after.check)) {
        out.push_back("pool " + after.name + ": check changed");
        rest.check = before.check;
    }
    if (before.balance != after.balance) {
        out.push_back("pool " + after.name + ": balance " + std::string(config::print(after.balance)));
        rest.balance = before.balance;
    }
    if (before.sources != after.sources) {
        out.push_back("pool " + after.name + ": source changed");
        rest.sources = before.sources;
    }
    const std::string prefix = "pool " + after.name + ": backend ";
    compare(before.backends, after.backends, prefix, " ", out,
            [&](const auto&, const config::Backend& backend) { out.push_back(prefix + backend.server + " changed"); });
    rest.backends = before.backends;
    if (!(rest == before) || out.size() == said) {
        out.push_back("pool " + after.name + ": " + (out.size() == said ? "" : "more ") + "changed");
    }
}

// Takes down what a recipe says, so that two of them can be held side by side.
class Reading {
public:
    void text(const char* key, const std::string& value, const char*) { add(key, value); }
    void command(const char* key, const std::string& value, const char*) { add(key, value); }
    void list(const char* key, const std::vector<std::string>& value, const char*) {
        std::string all;
        for (const std::string& each : value) {
            all += each + "\n";
        }
        add(key, all);
    }
    void headers(const char* key, const std::vector<std::string>& value, const char* help) { list(key, value, help); }
    void number(const char* key, std::int64_t value, std::int64_t, std::int64_t, const char*) {
        add(key, std::to_string(value));
    }
    void duration(const char* key, core::Milliseconds value, core::Milliseconds, core::Milliseconds, const char*) {
        add(key, std::to_string(value.count()));
    }
    void statuses(const char* key, const core::http::StatusSet& value, const char*) { add(key, value.text()); }
    void flag(const char* key, bool value, const char*) { add(key, value ? "1" : "0"); }
    template <typename Enum, typename Words>
    void choice(const char* key, Enum value, const Words&, const char*) {
        add(key, std::to_string(static_cast<int>(value)));
    }
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& values() const { return values_; }

private:
    void add(const char* key, std::string value) { values_.emplace_back(key, std::move(value)); }
    std::vector<std::pair<std::string, std::string>> values_;
};

void compare_recipe(const config::Recipe& before, const config::Recipe& after, Lines& out) {
    Reading old;
    Reading now;
    config::each_field(before, old);
    config::each_field(after, now);
    std::string keys;
    for (std::size_t i = 0; i < now.values().size(); ++i) {
        if (old.values()[i] != now.values()[i]) {
            keys += (keys.empty() ? "" : ", ") + now.values()[i].first;
        }
    }
    out.push_back(subject("recipe", after.name) + keys + (keys.empty() ? "changed" : " changed"));
}

// A secret is told by its name alone.
void compare_guard(const config::Guard& before, const config::Guard& after, Lines& out) {
    config::Guard rest = after;
    rest.secret = before.secret;
    if (before.secret != after.secret) {
        out.push_back(subject("guard", after.name) + "secret changed");
    }
    if (!(rest == before)) {
        out.push_back(subject("guard", after.name) + "changed");
    }
}

void compare_access(const config::Access& before, const config::Access& after, Lines& out) {
    const auto say = [&](bool same, const char* what) {
        if (!same) {
            out.push_back(subject("access", after.name) + what + " changed");
        }
    };
    say(before.role == after.role, "role");
    say(before.token_sha256 == after.token_sha256, "token");
    say(before.certificate == after.certificate, "certificate");
}

void say_changed(bool same, const char* what, Lines& out) {
    if (!same) {
        out.push_back(std::string(what) + ": changed");
    }
}

void compare_control(const config::Control& before, const config::Control& after, Lines& out) {
    const auto& [old_socket, old_state, old_remote] = before;
    const auto& [socket, state, remote] = after;
    say_changed(old_socket == socket, "control.socket", out);
    say_changed(old_state == state, "control.state", out);
    if (old_remote.has_value() != remote.has_value()) {
        out.emplace_back(remote ? "control.listen: added" : "control.listen: removed");
    }
    if (!old_remote || !remote) {
        return;
    }
    const auto& [old_listen, old_material] = *old_remote;
    const auto& [listen, material] = *remote;
    const auto& [old_certificate, old_key, old_client_ca] = old_material;
    const auto& [certificate, key, client_ca] = material;
    say_changed(old_listen == listen, "control.listen", out);
    say_changed(old_certificate == certificate, "control.certificate", out);
    say_changed(old_key == key, "control.key", out);
    say_changed(old_client_ca == client_ca, "control.client_ca", out);
}

void compare_proxy(const config::Proxy& before, const config::Proxy& after, Lines& out) {
    const auto& [old_workers, old_user, old_zero_copy, old_drain, old_relay_drain] = before;
    const auto& [workers, user, zero_copy, drain, relay_drain] = after;
    say_changed(old_workers == workers, "proxy.workers", out);
    say_changed(old_user == user, "proxy.user", out);
    say_changed(old_zero_copy == zero_copy, "proxy.zero_copy", out);
    say_changed(old_drain == drain, "proxy.drain", out);
    say_changed(old_relay_drain == relay_drain, "proxy.relay_drain", out);
}

void compare_maintenance(const config::Maintenance& before, const config::Maintenance& after, Lines& out) {
    config::Maintenance rest = after;
    rest.bytes = before.bytes;
    say_changed(before.bytes == after.bytes, "maintenance.page", out);
    say_changed(rest == before, "maintenance", out);
}

// One that is off before and after lets the same through, whatever else it says.
void compare_firewall(const config::Firewall& before, const config::Firewall& after, Lines& out) {
    say_changed(same_rules(before, after), "firewall", out);
    if (before.enabled && after.enabled) {
        say_changed(before.confirm == after.confirm, "firewall.confirm", out);
    }
}

}  // namespace

// The lists name every member of a Config, so that a new one does not compile until it is compared.
std::vector<std::string> describe_changes(const config::Config& before, const config::Config& after) {
    const auto& [old_file, old_listeners, old_servers, old_pools, old_recipes, old_guards, old_database,
                 old_maintenance, old_fence_mode, old_firewall, old_control, old_access, old_proxy, old_timeouts,
                 old_limits, old_log] = before;
    const auto& [file, listeners, servers, pools, recipes, guards, database, maintenance, fence_mode, firewall, control,
                 access, proxy, timeouts, limits, log] = after;
    Lines out;
    say_changed(old_file == file, "file", out);
    compare(old_listeners, listeners, "listener", out);
    compare(old_servers, servers, "server", out);
    compare(old_pools, pools, "pool ", ": ", out,
            [&out](const auto& old, const auto& now) { compare_pool(old, now, out); });
    compare(old_recipes, recipes, "recipe ", ": ", out,
            [&out](const auto& old, const auto& now) { compare_recipe(old, now, out); });
    compare(old_guards, guards, "guard ", ": ", out,
            [&out](const auto& old, const auto& now) { compare_guard(old, now, out); });
    say_changed(old_database == database, "site.database", out);
    compare_maintenance(old_maintenance, maintenance, out);
    say_changed(old_fence_mode == fence_mode, "fence", out);
    compare_firewall(old_firewall, firewall, out);
    say_changed(old_timeouts == timeouts, "timeouts", out);
    say_changed(old_log == log, "log", out);
    compare_proxy(old_proxy, proxy, out);
    say_changed(old_limits == limits, "limits", out);
    compare(old_access, access, "access ", ": ", out,
            [&out](const auto& old, const auto& now) { compare_access(old, now, out); });
    compare_control(old_control, control, out);
    return out;
}

// An upgrade starts every process anew with the file of that time. It keeps the socket that operators know.
config::Config keep_fixed(const config::Config& running, config::Config wanted, std::vector<std::string>& notes) {
    constexpr const char* upgrade = "takes effect at the next gatehouse upgrade";
    constexpr const char* start = "takes effect when gatehouse is started again";
    const auto keep = [&notes](const auto& old, auto& fresh, const char* name, const char* when) {
        if (!(old == fresh)) {
            notes.push_back(std::string(name) + ": " + when);
            fresh = old;
        }
    };
    keep(running.proxy.workers, wanted.proxy.workers, "proxy.workers", upgrade);
    keep(running.proxy.user, wanted.proxy.user, "proxy.user", upgrade);
    keep(running.control.socket, wanted.control.socket, "control.socket", start);
    keep(running.control.state, wanted.control.state, "control.state", upgrade);
    // Its certificate and its callers change at once, its socket does not.
    if (running.control.remote && wanted.control.remote) {
        keep(running.control.remote->listen, wanted.control.remote->listen, "control.listen", upgrade);
    } else {
        keep(running.control.remote, wanted.control.remote, "control.listen", upgrade);
    }
    return wanted;
}

}  // namespace appliance::control
