#include "netfilter/firewall/host_firewall.hpp"

namespace netfilter {
namespace {

// Attempts after a lost answer of the kernel, or after another program's commit in between.
constexpr int firewall_attempts_max = 5;

}  // namespace

core::Result<bool> HostFirewall::put(const HostRules& rules) {
    if (auto valid = validate(rules); !valid) {
        return tl::unexpected(valid.error());
    }
    const auto generation = kernel_.generation();
    if (!generation) {
        return tl::unexpected(generation.error());
    }
    if (made_ == rules && sound_at_ == *generation) {
        return false;
    }
    sound_at_.reset();
    for (int made = 0; made < firewall_attempts_max; ++made) {
        const auto snapshot = kernel_.snapshot(host_table_name, Depth::structure);
        if (!snapshot) {
            return tl::unexpected(snapshot.error());
        }
        if (holds(*snapshot, rules)) {
            made_ = rules;
            sound_at_ = snapshot->generation;
            return made > 0;
        }
        if (auto done = commit(host_table(rules), "cannot change the firewall"); !done) {
            return tl::unexpected(done.error());
        }
    }
    return core::fail("cannot use the nftables table inet gatehouse_host", "what was made is not what is read back",
                      "find the program that changes it (nft monitor); if there is none, report the output of: "
                      "nft list table inet gatehouse_host");
}

core::Result<bool> HostFirewall::remove() {
    made_.reset();
    sound_at_.reset();
    const auto snapshot = kernel_.snapshot(host_table_name, Depth::structure);
    if (!snapshot || !snapshot->table) {
        return snapshot ? core::Result<bool>(false) : tl::unexpected(snapshot.error());
    }
    Transaction removal{std::string(host_table_name)};
    removal.add(RemoveTable{std::string(host_table_name)});
    return commit(removal, "cannot remove the firewall").map([] { return true; });
}

core::Result<std::optional<HostDrops>> HostFirewall::drops() {
    const auto snapshot = kernel_.snapshot(host_table_name, Depth::structure);
    if (!snapshot) {
        return tl::unexpected(snapshot.error());
    }
    return snapshot->table ? std::optional(drops_in(*snapshot)) : std::nullopt;
}

core::Result<std::string> HostFirewall::text() {
    return kernel_.snapshot(host_table_name, Depth::elements).map([](const Snapshot& found) { return found.text(); });
}

// An unknown outcome counts as done: the caller reads again. Both transactions may be repeated.
core::Result<void> HostFirewall::commit(const Transaction& transaction, const char* what) {
    const auto result = kernel_.commit(transaction, std::nullopt);
    if (result.outcome == Outcome::rejected) {
        return tl::unexpected(result.error(what));
    }
    return {};
}

}  // namespace netfilter
