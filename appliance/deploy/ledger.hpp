// Ledger: keeps rollouts, their steps and their journal across crashes and reboots, in `rollouts.db` in the state
// folder. What is written is on the disk when a function returns. Not thread safe.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "appliance/deploy/rollout.hpp"
#include "appliance/state/database.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

// One line of a rollout's story.
struct Entry {
    std::int64_t number = 0;  // ascending over all rollouts
    std::int64_t rollout = 0;
    core::WallTime time{};
    std::string kind;  // "state", "step", "output"
    std::optional<unsigned> step;
    std::string text;
};

// How many of the newest rollouts are kept, and of how many the commands' output. An active one always stays.
struct LedgerBounds {
    std::int64_t rollouts = 1'000;
    std::int64_t outputs = 100;
};

class Ledger {
public:
    // Errors: as state::Database::open; a file of a newer Gatehouse.
    static core::Result<Ledger> open(const std::filesystem::path& folder, const LedgerBounds& bounds = {});
    [[nodiscard]] bool writable() const noexcept { return database_.writable(); }

    // Writes a new rollout and gives it its id. Removes what is past the bounds.
    core::Result<void> add(Rollout& rollout);
    // Writes the rollout's state, these of its steps, and the entries, in one transaction. Sets the entries' numbers.
    core::Result<void> update(const Rollout& rollout, const std::vector<unsigned>& steps, std::vector<Entry>& entries);
    // visitors: request statistics as JSON, when a step began or ended.
    core::Result<void> note_visitors(std::int64_t rollout, unsigned step, bool end, const std::string& visitors);

    // The rollouts that have not ended: at most one, or two after a crash while a rollback began.
    core::Result<std::vector<Rollout>> active();
    // Nothing where there is none of that id.
    core::Result<std::optional<Rollout>> find(std::int64_t id);
    // The newest first, without their steps.
    core::Result<std::vector<Rollout>> newest(unsigned count);
    // Entries of a rollout after a number, oldest first.
    core::Result<std::vector<Entry>> journal(std::int64_t rollout, std::int64_t after, unsigned count);
    // For each step "began" and "ended" visitors as they were noted; empty where they were not.
    struct Noted {
        unsigned step = 0;
        std::string before;
        std::string after;
    };
    core::Result<std::vector<Noted>> visitors(std::int64_t rollout);

private:
    Ledger(state::Database database, const LedgerBounds& bounds) : database_(std::move(database)), bounds_(bounds) {}
    core::Result<void> forget(std::int64_t newest);
    core::Result<void> in_transaction(const auto& work);
    core::Result<void> write_step(std::int64_t rollout, const Step& step);
    core::Result<std::vector<Rollout>> select(const std::string& where, bool with_steps);
    core::Result<void> read_steps(Rollout& rollout);

    state::Database database_;
    LedgerBounds bounds_;
};

}  // namespace appliance::deploy
