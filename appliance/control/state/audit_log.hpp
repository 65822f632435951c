// AuditLog: every change through the API, with its author, source, reason and outcome. An entry is on the disk before
// its change begins: a change that cannot be written down is refused.
//
// In `audit.db` of the state folder, apart from the administrative state: that file is checked whole at each start, and
// is held for as long as a change takes. And a version that an upgrade gives up must not have changed its form.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
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
    std::string acts_for;  // the person that a remote caller says it acts for; "": none
    std::string from;      // "unix", or the address of the caller
    std::string what;      // "fence"; "refused": a caller that was turned away
    std::string request;   // its body as JSON, without author and reason; of "refused" what was asked for and how often
    std::string why;
    std::string outcome;  // "begun", "done", "accepted" (it goes on by itself), or why it was refused
};

// How much is kept. No number of entries pushes out one that is younger than `time`: where there is no room for
// another, the new one is refused.
struct AuditBounds {
    std::chrono::days time{90};
    std::int64_t newest = 10'000;                        // that are kept whatever their age says: clocks are set
    std::int64_t bytes = std::int64_t{256} << 20;        // of all entries
    std::int64_t bytes_of_one = std::int64_t{64} << 20;  // of the entries of one author
    std::int64_t bytes_of_refused = std::int64_t{16} << 20;
};

// Thread safe.
class AuditLog {
public:
    static constexpr std::int64_t read_max = 10'000;
    static constexpr std::size_t text_max = 4'000;  // bytes of each text; longer ones are cut
    static constexpr std::string_view refused = "refused";

    // Opens the file in that folder when it is first needed, and again after it could not be.
    explicit AuditLog(std::filesystem::path folder, const AuditBounds& bounds = {})
        : folder_(std::move(folder)), bounds_(bounds) {}

    // Writes the entry with the outcome "begun" and returns its id; some that are too old go. Errors: it is not on the
    // disk, or the entries of its author, or all entries, have taken its room.
    core::Result<std::int64_t> begin(const AuditEntry& entry);
    // Writes an entry of a caller that was refused, with its outcome, and returns its id. Where refused ones have taken
    // their room, another entry counts it, and that entry's id is returned.
    core::Result<std::int64_t> refuse(const AuditEntry& entry);
    // So many more of the same: "times" in the request of a refused entry.
    core::Result<void> count(std::int64_t id, std::int64_t more);
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
    core::Result<void> weigh();
    core::Result<std::int64_t> write(const AuditEntry& entry);
    core::Result<std::int64_t> insert(const AuditEntry& entry);
    core::Result<void> add_times(std::int64_t id, std::int64_t more);
    core::Result<std::vector<AuditEntry>> select(const std::string& where, std::int64_t number);
    core::Result<void> forget(core::WallTime now, std::int64_t newest);
    // words: of the statement behind its outcome, in their order.
    core::Result<void> update(const std::string& where, std::string_view outcome,
                              const std::vector<std::string>& words);

    std::filesystem::path folder_;
    AuditBounds bounds_;
    std::mutex mutex_;
    std::optional<state::Database> database_;
    std::map<std::string, std::int64_t> bytes_;  // of each author's changes, and of what was refused
    std::int64_t uncounted_ = 0;                 // the entry of refused ones that had no room; 0: none yet
};

nlohmann::ordered_json view_audit_entry(const AuditEntry& entry);
// {"entries": [{"id", "time", "who", "for", "from", "what", "request", "why", "outcome"}]}.
nlohmann::ordered_json view_audit(const std::vector<AuditEntry>& entries);

}  // namespace appliance::control
