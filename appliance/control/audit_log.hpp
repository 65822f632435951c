// AuditLog: who changed what through the API, from where and why, and what became of it. An entry is on the disk before
// its change begins: a change that cannot be written down is refused.
//
// In `audit.db` of the state folder, apart from the administrative state: that file is checked whole at each start and
// is held for as long as a change takes, and a version that an upgrade gives up must not have changed its form.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/state/database.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::control {

struct AuditEntry {
    std::int64_t id = 0;
    core::WallTime time{};
    std::string who;
    std::string acts_for;  // whom a remote caller says it acts for; "": nobody
    std::string from;      // "unix", or the address of the caller
    std::string what;      // "fence"
    std::string request;   // its body as JSON, without who and why
    std::string why;
    std::string outcome;  // "begun", "done", "accepted" (it goes on by itself), or why it was refused
};

// Thread safe.
class AuditLog {
public:
    static constexpr std::int64_t kept_max = 100'000;
    static constexpr std::int64_t read_max = 10'000;
    static constexpr std::size_t text_max = 4'000;  // bytes of each text; longer ones are cut

    // Opens the file in that folder when it is first needed, and again after it could not be.
    explicit AuditLog(std::filesystem::path folder, std::int64_t kept = kept_max)
        : folder_(std::move(folder)), kept_(kept) {}

    // Writes the entry with the outcome "begun" and returns its id; older ones than the last `kept` go. Error: it is
    // not on the disk.
    core::Result<std::int64_t> begin(const AuditEntry& entry);
    // Error: the outcome is not on the disk, so the entry goes on to say "begun".
    core::Result<void> end(std::int64_t id, std::string_view outcome);
    // At the start of a control process: what an earlier one had begun has no outcome that is known.
    core::Result<void> close_begun();
    // What became of upgrades that were accepted: of the one that they asked for so, or of all.
    core::Result<void> close_upgrade(const std::string& who, const std::string& why, std::string_view outcome);
    core::Result<void> close_upgrades(std::string_view outcome);
    // The last entries, the newest first.
    core::Result<std::vector<AuditEntry>> last(std::int64_t count);
    // Nothing where there is none of that id, or no more.
    core::Result<std::optional<AuditEntry>> find(std::int64_t id);

private:
    core::Result<void> open();
    core::Result<std::int64_t> insert(const AuditEntry& entry);
    core::Result<std::vector<AuditEntry>> select(const std::string& where, std::int64_t number);
    core::Result<void> forget(std::int64_t up_to);
    // words: of the statement behind its outcome, in their order.
    core::Result<void> update(const std::string& where, std::string_view outcome,
                              const std::vector<std::string>& words);

    std::filesystem::path folder_;
    std::int64_t kept_;
    std::mutex mutex_;
    std::optional<state::Database> database_;
};

nlohmann::ordered_json view_audit_entry(const AuditEntry& entry);
// {"entries": [{"id", "time", "who", "for", "from", "what", "request", "why", "outcome"}]}.
nlohmann::ordered_json view_audit(const std::vector<AuditEntry>& entries);

}  // namespace appliance::control
