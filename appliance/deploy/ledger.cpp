#include "appliance/deploy/ledger.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/base/bounded_json.hpp"
#include "appliance/deploy/recipe_json.hpp"

namespace appliance::deploy {
namespace {

using nlohmann::json;
using state::Statement;

constexpr std::int64_t schema_version = 2;
constexpr const char* schema =
    "BEGIN;"
    "CREATE TABLE rollouts(id INTEGER PRIMARY KEY AUTOINCREMENT, strategy TEXT NOT NULL, recipe TEXT NOT NULL,"
    " state TEXT NOT NULL, state_why TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, overridden TEXT NOT NULL,"
    " created INTEGER NOT NULL, ended INTEGER, undoes INTEGER NOT NULL, starts INTEGER, expires INTEGER);"
    "CREATE TABLE steps(rollout INTEGER NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, batch INTEGER NOT NULL,"
    " servers TEXT NOT NULL, progress TEXT NOT NULL, excused INTEGER NOT NULL, evidence TEXT NOT NULL, began INTEGER,"
    " ended INTEGER, visitors_before TEXT NOT NULL DEFAULT '', visitors_after TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY(rollout, id));"
    "CREATE TABLE journal(number INTEGER PRIMARY KEY AUTOINCREMENT, rollout INTEGER NOT NULL, time INTEGER NOT NULL,"
    " kind TEXT NOT NULL, step INTEGER, text TEXT NOT NULL);"
    "CREATE INDEX journal_by_rollout ON journal(rollout, number);"
    "PRAGMA user_version = 2;"
    "COMMIT";
constexpr const char* from_version_1 =
    "BEGIN;"
    "ALTER TABLE rollouts ADD COLUMN starts INTEGER;"
    "ALTER TABLE rollouts ADD COLUMN expires INTEGER;"
    "PRAGMA user_version = 2;"
    "COMMIT";

std::int64_t number(core::WallTime time) {
    return time.time_since_epoch().count();
}

std::optional<std::int64_t> number(const std::optional<core::WallTime>& time) {
    return time ? std::optional(number(*time)) : std::nullopt;
}

core::WallTime time_in(const Statement& row, int column) {
    return core::WallTime(core::Milliseconds(row.number(column)));
}

std::optional<core::WallTime> maybe_time_in(const Statement& row, int column) {
    return row.is_null(column) ? std::nullopt : std::optional(time_in(row, column));
}

std::string text_of(const json& object) {
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Runs a statement that has no rows.
core::Result<void> finish(core::Result<Statement>& statement) {
    return statement->step().map([](bool) {});
}

// Every row of a prepared statement.
template <typename Each>
core::Result<void> each_row(Statement& rows, Each each) {
    for (;;) {
        const auto row = rows.step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        each(rows);
    }
}

core::Error unreadable(std::int64_t id) {
    return {fmt::format("cannot read rollout {}", id), "its record is damaged", "move rollouts.db away", 0};
}

}  // namespace

core::Result<Ledger> Ledger::open(const std::filesystem::path& folder, const LedgerBounds& bounds) {
    auto database = state::Database::open(folder / "rollouts.db");
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    Ledger ledger(std::move(*database), bounds);
    std::int64_t version = 0;
    {
        auto asked = ledger.database_.prepare("PRAGMA user_version");
        if (!asked) {
            return tl::unexpected(std::move(asked.error()));
        }
        if (const auto row = asked->step(); !row) {
            return tl::unexpected(row.error());
        }
        version = asked->number(0);
    }
    if (version > schema_version) {
        return core::fail("cannot read the stored rollouts", "a newer gatehouse wrote them",
                          "start that version again");
    }
    if (version < schema_version) {
        if (auto made = ledger.database_.execute(version == 0 ? schema : from_version_1); !made) {
            static_cast<void>(ledger.database_.execute("ROLLBACK"));
            return tl::unexpected(std::move(made.error()));
        }
    }
    return ledger;
}

core::Result<void> Ledger::in_transaction(const auto& work) {
    auto done =
        database_.execute("BEGIN IMMEDIATE").and_then(work).and_then([this] { return database_.execute("COMMIT"); });
    if (!done) {
        // This fails where SQLite has already rolled back, which is fine.
        static_cast<void>(database_.execute("ROLLBACK"));
    }
    return done;
}

core::Result<void> Ledger::write_step(std::int64_t rollout, const Step& step) {
    auto written = database_.prepare(
        "INSERT INTO steps(rollout, id, kind, batch, servers, progress, excused, evidence, began, ended)"
        " VALUES(?,?,?,?,?,?,?,?,?,?) ON CONFLICT(rollout, id) DO UPDATE SET progress = excluded.progress,"
        " excused = excluded.excused, evidence = excluded.evidence, began = excluded.began, ended = excluded.ended");
    if (!written) {
        return tl::unexpected(std::move(written.error()));
    }
    written->bind(1, rollout)
        .bind(2, std::int64_t{step.id})
        .bind(3, print(step.kind))
        .bind(4, std::int64_t{step.batch});
    written->bind(5, text_of(json(step.servers))).bind(6, print(step.progress)).bind(7, std::int64_t{step.excused});
    written->bind(8, step.evidence).bind(9, number(step.began)).bind(10, number(step.ended));
    return finish(written);
}

core::Result<void> Ledger::add(Rollout& rollout) {
    return in_transaction([&]() -> core::Result<void> {
        auto written = database_.prepare(
            "INSERT INTO rollouts(strategy, recipe, state, state_why, who, why, overridden, created, undoes,"
            " starts, expires) VALUES(?,?,?,?,?,?,?,?,?,?,?) RETURNING id");
        if (!written) {
            return tl::unexpected(std::move(written.error()));
        }
        written->bind(1, print(rollout.strategy)).bind(2, text_of(to_json(rollout.recipe)));
        written->bind(3, print(rollout.state)).bind(4, rollout.state_why).bind(5, rollout.who).bind(6, rollout.why);
        written->bind(7, rollout.overridden).bind(8, number(rollout.created)).bind(9, rollout.undoes);
        written->bind(10, number(rollout.starts)).bind(11, number(rollout.expires));
        auto done = each_row(*written, [&](const Statement& row) { rollout.id = row.number(0); });
        for (const Step& step : rollout.steps) {
            done = done.and_then([&] { return write_step(rollout.id, step); });
        }
        return done.and_then([&] { return forget(rollout.id); });
    });
}

core::Result<void> Ledger::forget(std::int64_t newest) {
    const std::string old =
        fmt::format("(SELECT id FROM rollouts WHERE id <= {} AND ended IS NOT NULL)", newest - bounds_.rollouts);
    return database_.execute(
        fmt::format("DELETE FROM journal WHERE rollout <= {} AND kind = 'output';"
                    "DELETE FROM journal WHERE rollout IN {};"
                    "DELETE FROM steps WHERE rollout IN {};"
                    "DELETE FROM rollouts WHERE id IN {}",
                    newest - bounds_.outputs, old, old, old));
}

core::Result<void> Ledger::update(const Rollout& rollout, const std::vector<unsigned>& steps,
                                  std::vector<Entry>& entries) {
    return in_transaction([&]() -> core::Result<void> {
        auto written = database_.prepare("UPDATE rollouts SET state = ?, state_why = ?, ended = ? WHERE id = ?");
        auto line = database_.prepare(
            "INSERT INTO journal(rollout, time, kind, step, text) VALUES(?,?,?,?,?) RETURNING number");
        if (!written || !line) {
            return tl::unexpected(std::move(written ? line.error() : written.error()));
        }
        written->bind(1, print(rollout.state)).bind(2, rollout.state_why).bind(3, number(rollout.ended));
        written->bind(4, rollout.id);
        auto done = finish(written);
        for (const unsigned step : steps) {
            done = done.and_then([&] { return write_step(rollout.id, rollout.steps.at(step)); });
        }
        for (Entry& entry : entries) {
            line->reset();
            line->bind(1, entry.rollout).bind(2, number(entry.time)).bind(3, entry.kind);
            line->bind(4, entry.step ? std::optional<std::int64_t>(*entry.step) : std::nullopt).bind(5, entry.text);
            done = done.and_then(
                [&] { return each_row(*line, [&](const Statement& row) { entry.number = row.number(0); }); });
        }
        return done;
    });
}

core::Result<void> Ledger::note_visitors(std::int64_t rollout, unsigned step, bool end, const std::string& visitors) {
    auto written = database_.prepare(end ? "UPDATE steps SET visitors_after = ? WHERE rollout = ? AND id = ?"
                                         : "UPDATE steps SET visitors_before = ? WHERE rollout = ? AND id = ?");
    if (!written) {
        return tl::unexpected(std::move(written.error()));
    }
    written->bind(1, visitors).bind(2, rollout).bind(3, std::int64_t{step});
    return finish(written);
}

core::Result<std::vector<Rollout>> Ledger::select(const std::string& where, bool with_steps) {
    auto rows = database_.prepare(
        "SELECT id, strategy, recipe, state, state_why, who, why, overridden, created, ended, undoes, starts,"
        " expires FROM rollouts " +
        where);
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    std::vector<Rollout> found;
    core::Result<void> sound;
    auto read = each_row(*rows, [&](const Statement& row) {
        Rollout& rollout = found.emplace_back();
        rollout.id = row.number(0);
        const auto strategy = parse_strategy(row.text(1));
        const json recipe = base::parse_json(row.text(2), base::wide_bounds);
        const auto state = parse_state(row.text(3));
        if (!strategy || !state || !recipe.is_object() || !from_json(recipe, rollout.recipe)) {
            sound = tl::unexpected(unreadable(rollout.id));
            return;
        }
        rollout.recipe.name = recipe.value("name", "");
        rollout.recipe.run_source = recipe.value("run_source", "");
        rollout.recipe.rollback_source = recipe.value("rollback_source", "");
        rollout.strategy = *strategy;
        rollout.state = *state;
        rollout.state_why = row.text(4);
        rollout.who = row.text(5);
        rollout.why = row.text(6);
        rollout.overridden = row.text(7);
        rollout.created = time_in(row, 8);
        rollout.ended = maybe_time_in(row, 9);
        rollout.undoes = row.number(10);
        rollout.starts = maybe_time_in(row, 11);
        rollout.expires = maybe_time_in(row, 12);
    });
    read = read.and_then([&] { return sound; });
    for (Rollout& rollout : found) {
        read = read.and_then([&] { return with_steps ? read_steps(rollout) : core::Result<void>(); });
    }
    return read.map([&] { return std::move(found); });
}

core::Result<void> Ledger::read_steps(Rollout& rollout) {
    auto rows = database_.prepare(
        "SELECT id, kind, batch, servers, progress, excused, evidence, began, ended FROM steps WHERE rollout = ?"
        " ORDER BY id");
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    rows->bind(1, rollout.id);
    core::Result<void> sound;
    return each_row(*rows,
                    [&](const Statement& row) {
                        Step& step = rollout.steps.emplace_back();
                        const auto kind = parse_kind(row.text(1));
                        const json servers = base::parse_json(row.text(3), base::wide_bounds);
                        const auto progress = parse_progress(row.text(4));
                        const bool in_order = row.number(0) + 1 == static_cast<std::int64_t>(rollout.steps.size());
                        if (!kind || !servers.is_array() || !progress || !in_order) {
                            sound = tl::unexpected(unreadable(rollout.id));
                            return;
                        }
                        step.id = static_cast<unsigned>(row.number(0));
                        step.kind = *kind;
                        step.batch = static_cast<unsigned>(row.number(2));
                        step.servers = servers.get<std::vector<std::string>>();
                        step.progress = *progress;
                        step.excused = row.number(5) != 0;
                        step.evidence = row.text(6);
                        step.began = maybe_time_in(row, 7);
                        step.ended = maybe_time_in(row, 8);
                    })
        .and_then([&] { return sound; });
}

core::Result<std::vector<Rollout>> Ledger::active() {
    return select("WHERE state IN ('running', 'paused') ORDER BY id", true);
}

core::Result<std::optional<Rollout>> Ledger::find(std::int64_t id) {
    return select(fmt::format("WHERE id = {}", id), true).map([](std::vector<Rollout>&& found) {
        return found.empty() ? std::optional<Rollout>() : std::optional(std::move(found.front()));
    });
}

core::Result<std::vector<Rollout>> Ledger::newest(unsigned count) {
    return select(fmt::format("ORDER BY id DESC LIMIT {}", count), false);
}

core::Result<std::vector<Entry>> Ledger::journal(std::int64_t rollout, std::int64_t after, unsigned count) {
    auto rows = database_.prepare(
        "SELECT number, time, kind, step, text FROM journal WHERE rollout = ? AND number > ? ORDER BY number LIMIT ?");
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    rows->bind(1, rollout).bind(2, after).bind(3, std::int64_t{count});
    std::vector<Entry> entries;
    return each_row(*rows,
                    [&](const Statement& row) {
                        Entry& entry = entries.emplace_back();
                        entry.number = row.number(0);
                        entry.rollout = rollout;
                        entry.time = time_in(row, 1);
                        entry.kind = row.text(2);
                        entry.step =
                            row.is_null(3) ? std::nullopt : std::optional(static_cast<unsigned>(row.number(3)));
                        entry.text = row.text(4);
                    })
        .map([&] { return std::move(entries); });
}

core::Result<std::vector<Ledger::Noted>> Ledger::visitors(std::int64_t rollout) {
    auto rows =
        database_.prepare("SELECT id, visitors_before, visitors_after FROM steps WHERE rollout = ? ORDER BY id");
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    rows->bind(1, rollout);
    std::vector<Noted> noted;
    return each_row(*rows,
                    [&](const Statement& row) {
                        noted.push_back({static_cast<unsigned>(row.number(0)), row.text(1), row.text(2)});
                    })
        .map([&] { return std::move(noted); });
}

}  // namespace appliance::deploy
