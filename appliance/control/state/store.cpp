#include "appliance/control/state/store.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/clock.hpp"

namespace appliance::control {
namespace {

// Counted up with every change of the tables.
constexpr std::int64_t schema_version = 3;

// From nothing to version 1, and from each version to the next.
constexpr std::array<const char*, schema_version> schema_steps{
    "BEGIN IMMEDIATE;"
    "CREATE TABLE fences(address TEXT PRIMARY KEY, server TEXT NOT NULL, pool TEXT NOT NULL, mode TEXT NOT NULL,"
    " id TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER) STRICT;"
    "CREATE TABLE maintenance(pool TEXT PRIMARY KEY, message TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,"
    " since INTEGER NOT NULL, until INTEGER) STRICT;"
    "PRAGMA user_version=1;"
    "COMMIT;",
    "BEGIN IMMEDIATE;"
    "ALTER TABLE fences ADD COLUMN scope TEXT NOT NULL DEFAULT 'new';"
    "PRAGMA user_version=2;"
    "COMMIT;",
    "BEGIN IMMEDIATE;"
    "CREATE TABLE weights(pool TEXT NOT NULL, server TEXT NOT NULL, weight INTEGER NOT NULL, who TEXT NOT NULL,"
    " why TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(pool, server)) STRICT;"
    "PRAGMA user_version=3;"
    "COMMIT;"};

// The owner of each fence, by its id, and its end by the boot clock. A table of its own: an older version knows the
// tables above alone, and can read the file too.
constexpr const char* details_schema =
    "CREATE TABLE IF NOT EXISTS fence_details(id TEXT PRIMARY KEY, rollout INTEGER, lasts INTEGER, boot TEXT NOT NULL,"
    " ends INTEGER, others TEXT NOT NULL) STRICT;";

std::int64_t number(core::WallTime time) {
    return time.time_since_epoch().count();
}

std::optional<std::int64_t> number(std::optional<core::WallTime> time) {
    return time ? std::optional(number(*time)) : std::nullopt;
}

core::WallTime time_in(const Statement& row, int column) {
    return core::WallTime(core::Milliseconds(row.number(column)));
}

std::optional<core::WallTime> maybe_time_in(const Statement& row, int column) {
    return row.is_null(column) ? std::nullopt : std::optional(time_in(row, column));
}

std::optional<config::FenceMode> mode_in(std::string_view text) {
    for (const auto mode : {config::FenceMode::reset, config::FenceMode::icmp, config::FenceMode::drop}) {
        if (text == config::print(mode)) {
            return mode;
        }
    }
    return std::nullopt;
}

std::optional<netfilter::Scope> scope_in(std::string_view text) {
    for (const auto scope : {netfilter::Scope::fresh, netfilter::Scope::all}) {
        if (text == netfilter::print(scope)) {
            return scope;
        }
    }
    return std::nullopt;
}

core::Result<void> read_fences(Statement& rows, Administration& administration) {
    for (;;) {
        const auto row = rows.step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        const auto address = core::Address::parse(rows.text(0));
        if (!address) {
            return core::fail("cannot read the stored fences", address.error().line());
        }
        const auto mode = mode_in(rows.text(3));
        const auto scope = scope_in(rows.text(9));
        if (!mode || !scope) {
            return core::fail("cannot read the stored fences",
                              "no mode '" + rows.text(3) + "' or no scope '" + rows.text(9) + "' is known",
                              "start the version of gatehouse that wrote it");
        }
        administration.fences[*address] = {
            *address,     rows.text(1),     rows.text(2),           *mode,  rows.text(4), rows.text(5),
            rows.text(6), time_in(rows, 7), maybe_time_in(rows, 8), *scope, std::nullopt, std::nullopt};
    }
}

// A fence that was ordered for a time ends after that time, whatever the wall clock was set to. Within one start of the
// machine the boot clock tells. Over a reboot the wall clock does, but not beyond what was ordered.
void restore_end(FenceRecord& fence, const Statement& row, core::Milliseconds wall_offset) {
    fence.lasts = core::Milliseconds(row.number(2));
    const bool same_boot = row.text(3) == core::base::boot_id() && !row.is_null(4);
    if (same_boot) {
        fence.until = core::WallTime(core::Milliseconds(row.number(4)) + wall_offset);
    } else if (fence.until) {
        const core::WallTime now(core::BootClock::now().time_since_epoch() + wall_offset);
        fence.until = std::min(*fence.until, now + *fence.lasts);
    }
}

core::Result<void> read_details(Statement& rows, Administration& administration, core::Milliseconds wall_offset) {
    for (;;) {
        const auto row = rows.step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        const std::string id = rows.text(0);
        const auto rollout = rows.is_null(1) ? std::nullopt : std::optional(rows.number(1));
        bool stands = false;
        for (auto& [address, fence] : administration.fences) {
            if (fence.id != id) {
                continue;
            }
            stands = true;
            fence.rollout = rollout;
            fence.others = rows.text(5);
            if (!rows.is_null(2)) {
                restore_end(fence, rows, wall_offset);
            }
        }
        if (!stands) {
            administration.lifted[id] = {rollout, rows.text(5)};
        }
    }
}

core::Result<void> read_maintenance(Statement& rows, Administration& administration) {
    for (;;) {
        const auto row = rows.step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        administration.maintenance[rows.text(0)] = {rows.text(0), rows.text(1),     rows.text(2),
                                                    rows.text(3), time_in(rows, 4), maybe_time_in(rows, 5)};
    }
}

core::Result<void> read_weights(Statement& rows, Administration& administration) {
    for (;;) {
        const auto row = rows.step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        administration.weights[{rows.text(0), rows.text(1)}] = {
            rows.text(0), rows.text(1), static_cast<unsigned>(rows.number(2)),
            rows.text(3), rows.text(4), time_in(rows, 5)};
    }
}

}  // namespace

core::Result<Store> Store::open(const std::filesystem::path& folder) {
    auto database = Database::open(folder / "gatehouse.db");
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    Store store(std::move(*database));
    if (auto ready = store.prepare_schema(); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    return store;
}

core::Result<void> Store::prepare_schema() {
    std::int64_t version = 0;
    {
        auto asked = database_.prepare("PRAGMA user_version");
        if (!asked) {
            return tl::unexpected(std::move(asked.error()));
        }
        if (const auto row = asked->step(); !row) {
            return tl::unexpected(row.error());
        }
        version = asked->number(0);
    }
    if (version > schema_version) {
        return core::fail("cannot read the stored state", "a newer gatehouse wrote it", "start that version again");
    }
    // Finds a damaged page now and not in the middle of a change.
    auto sound = database_.prepare("PRAGMA quick_check(1)");
    if (!sound) {
        return tl::unexpected(std::move(sound.error()));
    }
    if (const auto row = sound->step(); !row || sound->text(0) != "ok") {
        return core::fail("cannot read the stored state", row ? sound->text(0) : row.error().line(),
                          "move gatehouse.db away; fences are then taken over from the kernel");
    }
    sound->reset();
    for (auto step = static_cast<std::size_t>(version); step < schema_steps.size(); ++step) {
        if (auto taken = database_.execute(schema_steps.at(step)); !taken) {
            return taken;
        }
    }
    return database_.writable() ? database_.execute(details_schema) : core::Result<void>();
}

core::Result<Administration> Store::load(core::Milliseconds wall_offset) {
    auto fences =
        database_.prepare("SELECT address, server, pool, mode, id, who, why, since, until, scope FROM fences");
    auto maintenance = database_.prepare("SELECT pool, message, who, why, since, until FROM maintenance");
    auto weights = database_.prepare("SELECT pool, server, weight, who, why, since FROM weights");
    auto details = database_.prepare("SELECT id, rollout, lasts, boot, ends, others FROM fence_details");
    for (const auto* asked : {&fences, &maintenance, &weights, &details}) {
        if (!*asked) {
            return tl::unexpected(asked->error());
        }
    }
    Administration administration;
    auto read = read_fences(*fences, administration)
                    .and_then([&] { return read_maintenance(*maintenance, administration); })
                    .and_then([&] { return read_weights(*weights, administration); })
                    .and_then([&] { return read_details(*details, administration, wall_offset); });
    if (!read) {
        return tl::unexpected(std::move(read.error()));
    }
    return administration;
}

core::Result<void> Store::save(const Administration& administration, core::Milliseconds wall_offset) {
    auto written =
        database_.execute("BEGIN IMMEDIATE").and_then([&] { return write(administration, wall_offset); }).and_then([&] {
            return database_.execute("COMMIT");
        });
    if (!written) {
        // Fails where the transaction has ended by itself, which is what is wanted.
        static_cast<void>(database_.execute("ROLLBACK"));
    }
    return written;
}

core::Result<void> Store::write(const Administration& administration, core::Milliseconds wall_offset) {
    // What this change lifts keeps its details until the next one: the kernel may still hold it after a crash.
    auto emptied = database_.execute(
        "DELETE FROM fence_details WHERE id NOT IN (SELECT id FROM fences);"
        "DELETE FROM fences; DELETE FROM maintenance; DELETE FROM weights");
    if (!emptied) {
        return emptied;
    }
    auto fences = database_.prepare("INSERT INTO fences VALUES(?,?,?,?,?,?,?,?,?,?)");
    auto maintenance = database_.prepare("INSERT INTO maintenance VALUES(?,?,?,?,?,?)");
    auto weights = database_.prepare("INSERT INTO weights VALUES(?,?,?,?,?,?)");
    for (const auto* asked : {&fences, &maintenance, &weights}) {
        if (!*asked) {
            return tl::unexpected(asked->error());
        }
    }
    for (const auto& [address, fence] : administration.fences) {
        fences->reset();
        fences->bind(1, address.text()).bind(2, fence.server).bind(3, fence.pool).bind(4, config::print(fence.mode));
        fences->bind(5, fence.id).bind(6, fence.who).bind(7, fence.why);
        fences->bind(8, number(fence.since)).bind(9, number(fence.until)).bind(10, netfilter::print(fence.scope));
        if (const auto done = fences->step(); !done) {
            return tl::unexpected(done.error());
        }
    }
    if (auto written = write_details(administration, wall_offset); !written) {
        return written;
    }
    for (const auto& [pool, record] : administration.maintenance) {
        maintenance->reset();
        maintenance->bind(1, pool).bind(2, record.message).bind(3, record.who).bind(4, record.why);
        maintenance->bind(5, number(record.since)).bind(6, number(record.until));
        if (const auto done = maintenance->step(); !done) {
            return tl::unexpected(done.error());
        }
    }
    for (const auto& [place, record] : administration.weights) {
        weights->reset();
        weights->bind(1, record.pool).bind(2, record.server).bind(3, std::int64_t{record.weight});
        weights->bind(4, record.who).bind(5, record.why).bind(6, number(record.since));
        if (const auto done = weights->step(); !done) {
            return tl::unexpected(done.error());
        }
    }
    return {};
}

core::Result<void> Store::write_details(const Administration& administration, core::Milliseconds wall_offset) {
    auto details = database_.prepare("INSERT OR REPLACE INTO fence_details VALUES(?,?,?,?,?,?)");
    if (!details) {
        return tl::unexpected(std::move(details.error()));
    }
    for (const auto& [address, fence] : administration.fences) {
        std::optional<std::int64_t> lasts;
        std::optional<std::int64_t> ends;
        if (fence.lasts && fence.until) {
            lasts = fence.lasts->count();
            ends = (fence.until->time_since_epoch() - wall_offset).count();
        }
        details->reset();
        details->bind(1, fence.id).bind(2, fence.rollout);
        details->bind(3, lasts).bind(4, core::base::boot_id()).bind(5, ends).bind(6, fence.others);
        if (const auto done = details->step(); !done) {
            return tl::unexpected(done.error());
        }
    }
    for (const auto& [id, fence] : administration.lifted) {
        details->reset();
        details->bind(1, id).bind(2, fence.rollout);
        details->bind(3, std::optional<std::int64_t>()).bind(4, core::base::boot_id());
        details->bind(5, std::optional<std::int64_t>()).bind(6, fence.others);
        if (const auto done = details->step(); !done) {
            return tl::unexpected(done.error());
        }
    }
    return {};
}

}  // namespace appliance::control
