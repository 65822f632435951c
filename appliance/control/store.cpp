#include "appliance/control/store.hpp"

#include <array>
#include <utility>

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

config::FenceMode mode_in(std::string_view text) {
    for (const auto mode : {config::FenceMode::icmp, config::FenceMode::drop}) {
        if (text == config::print(mode)) {
            return mode;
        }
    }
    return config::FenceMode::reset;
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
        administration.fences[*address] = {
            *address,
            rows.text(1),
            rows.text(2),
            mode_in(rows.text(3)),
            rows.text(4),
            rows.text(5),
            rows.text(6),
            time_in(rows, 7),
            maybe_time_in(rows, 8),
            rows.text(9) == netfilter::print(netfilter::Scope::all) ? netfilter::Scope::all : netfilter::Scope::fresh};
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
    return {};
}

core::Result<Administration> Store::load() {
    auto fences =
        database_.prepare("SELECT address, server, pool, mode, id, who, why, since, until, scope FROM fences");
    auto maintenance = database_.prepare("SELECT pool, message, who, why, since, until FROM maintenance");
    auto weights = database_.prepare("SELECT pool, server, weight, who, why, since FROM weights");
    for (const auto* asked : {&fences, &maintenance, &weights}) {
        if (!*asked) {
            return tl::unexpected(asked->error());
        }
    }
    Administration administration;
    auto read = read_fences(*fences, administration)
                    .and_then([&] { return read_maintenance(*maintenance, administration); })
                    .and_then([&] { return read_weights(*weights, administration); });
    if (!read) {
        return tl::unexpected(std::move(read.error()));
    }
    return administration;
}

core::Result<void> Store::save(const Administration& administration) {
    auto written = database_.execute("BEGIN IMMEDIATE").and_then([&] { return write(administration); }).and_then([&] {
        return database_.execute("COMMIT");
    });
    if (!written) {
        // Fails where the transaction has ended by itself, which is what is wanted.
        static_cast<void>(database_.execute("ROLLBACK"));
    }
    return written;
}

core::Result<void> Store::write(const Administration& administration) {
    auto emptied = database_.execute("DELETE FROM fences; DELETE FROM maintenance; DELETE FROM weights");
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

}  // namespace appliance::control
