#include "appliance/control/state/audit_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "appliance/base/bounded_json.hpp"

namespace appliance::control {
namespace {

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, who TEXT NOT NULL,"
    " acts_for TEXT NOT NULL, came_from TEXT NOT NULL, what TEXT NOT NULL, request TEXT NOT NULL, why TEXT NOT NULL,"
    " outcome TEXT NOT NULL) STRICT;";

// The author that a row counts for (empty: what was refused), and its bytes.
constexpr const char* whose_text = "CASE what WHEN 'refused' THEN '' ELSE who END";
constexpr const char* size_text =
    "length(CAST(who || acts_for || came_from || what || request || why || outcome AS BLOB))";
// What an entry takes beside its texts.
constexpr std::int64_t overhead = 64;

// The same author of an entry.
std::string whose(const AuditEntry& entry) {
    return entry.what == AuditLog::refused ? std::string() : entry.who;
}

// At a character's begin, so that what is left is UTF-8 still.
std::string_view cut(std::string_view text) {
    std::size_t size = std::min(text.size(), AuditLog::text_max);
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
        --size;
    }
    return text.substr(0, size);
}

std::int64_t size_of(const AuditEntry& entry) {
    std::int64_t size = overhead;
    for (const std::string* text :
         {&entry.who, &entry.acts_for, &entry.from, &entry.what, &entry.request, &entry.why, &entry.outcome}) {
        size += static_cast<std::int64_t>(cut(*text).size());
    }
    return size;
}

}  // namespace

core::Result<void> AuditLog::open() {
    if (database_ && database_->writable()) {
        return {};
    }
    database_.reset();
    auto opened = state::Database::open(folder_ / "audit.db");
    if (!opened) {
        return tl::unexpected(std::move(opened.error()));
    }
    if (auto made = opened->execute(schema); !made) {
        return made;
    }
    database_.emplace(std::move(*opened));
    return weigh();
}

core::Result<void> AuditLog::weigh() {
    bytes_.clear();
    auto rows = database_->prepare(
        fmt::format("SELECT {} AS whose, SUM({}), COUNT(*) FROM audit GROUP BY whose", whose_text, size_text));
    if (!rows) {
        database_.reset();
        return tl::unexpected(std::move(rows.error()));
    }
    for (;;) {
        const auto row = rows->step();
        if (!row) {
            database_.reset();
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        bytes_[rows->text(0)] = rows->number(1) + rows->number(2) * overhead;
    }
}

core::Result<std::int64_t> AuditLog::begin(const AuditEntry& entry) {
    const std::lock_guard lock(mutex_);
    if (auto ready = open(); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    const std::int64_t all = std::accumulate(bytes_.begin(), bytes_.end(), std::int64_t{0},
                                             [](std::int64_t sum, const auto& one) { return sum + one.second; });
    const bool alone = bytes_[whose(entry)] >= bounds_.bytes_of_one;
    if (alone || all >= bounds_.bytes) {
        // What has become old makes room all the same, for the next one.
        static_cast<void>(forget(entry.time, INT64_MAX));
        return core::fail(
            "the audit log has no room",
            alone ? "entries of " + entry.who + " have taken their share" : "its entries have taken all that it has",
            "entries go when they are " + std::to_string(bounds_.time.count()) +
                " days old; copy audit.db and move it away to begin a new one");
    }
    return write(entry);
}

core::Result<std::int64_t> AuditLog::refuse(const AuditEntry& entry) {
    const std::lock_guard lock(mutex_);
    if (auto ready = open(); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    if (bytes_[whose(entry)] < bounds_.bytes_of_refused) {
        return write(entry);
    }
    if (uncounted_ != 0) {
        return add_times(uncounted_, 1).map([this] { return uncounted_; });
    }
    AuditEntry many = entry;
    many.who = "many";
    many.from = "many";
    many.request = R"({"times":1})";
    many.outcome = "refused: who else was refused is counted here, because such entries have taken their room";
    return write(many).map([this](std::int64_t id) { return uncounted_ = id; });
}

core::Result<void> AuditLog::count(std::int64_t id, std::int64_t more) {
    const std::lock_guard lock(mutex_);
    return open().and_then([&] { return add_times(id, more); });
}

core::Result<void> AuditLog::add_times(std::int64_t id, std::int64_t more) {
    auto row = database_->prepare("SELECT request FROM audit WHERE id = ? AND what = 'refused'");
    auto update = database_->prepare("UPDATE audit SET request = ? WHERE id = ?");
    if (!row || !update) {
        return tl::unexpected(std::move(row ? update.error() : row.error()));
    }
    const auto found = row->bind(1, id).step();
    if (!found || !*found) {
        return found ? core::Result<void>() : tl::unexpected(found.error());
    }
    auto request = base::parse_json<nlohmann::ordered_json>(row->text(0));
    if (!request.is_object()) {
        return {};
    }
    request["times"] = request.value("times", std::int64_t{1}) + more;
    row->reset();
    return update->bind(1, request.dump()).bind(2, id).step().map([](bool) {});
}

// In one transaction.
core::Result<std::int64_t> AuditLog::write(const AuditEntry& entry) {
    std::int64_t id = 0;
    const auto before = bytes_;
    auto written = database_->execute("BEGIN IMMEDIATE")
                       .and_then([&] { return insert(entry); })
                       .map([&id](std::int64_t given) { id = given; })
                       .and_then([&] { return forget(entry.time, id); })
                       .and_then([this] { return database_->execute("COMMIT"); });
    if (!written) {
        bytes_ = before;
        // Fails where the transaction has ended by itself, which is what is wanted.
        static_cast<void>(database_->execute("ROLLBACK"));
        return tl::unexpected(std::move(written.error()));
    }
    return id;
}

core::Result<std::int64_t> AuditLog::insert(const AuditEntry& entry) {
    auto insert = database_->prepare(
        "INSERT INTO audit(time, who, acts_for, came_from, what, request, why, outcome)"
        " VALUES(?,?,?,?,?,?,?,?) RETURNING id");
    if (!insert) {
        return tl::unexpected(std::move(insert.error()));
    }
    insert->bind(1, entry.time.time_since_epoch().count()).bind(2, cut(entry.who)).bind(3, cut(entry.acts_for));
    insert->bind(4, cut(entry.from)).bind(5, cut(entry.what)).bind(6, cut(entry.request)).bind(7, cut(entry.why));
    insert->bind(8, entry.outcome.empty() ? std::string_view("begun") : cut(entry.outcome));
    return insert->step().map([&](bool) {
        bytes_[whose(entry)] += size_of(entry);
        return insert->number(0);
    });
}

// Of the oldest ones, a few at each change: what is too old. newest: the id of the newest one; some before it stay.
core::Result<void> AuditLog::forget(core::WallTime now, std::int64_t newest) {
    auto remove = database_->prepare(fmt::format(
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT 100) AND id <= ? AND time < ?"
        " RETURNING {}, {}",
        whose_text, size_text));
    if (!remove) {
        return tl::unexpected(std::move(remove.error()));
    }
    if (newest == INT64_MAX) {
        auto last = database_->prepare("SELECT MAX(id) FROM audit");
        if (!last || !last->step()) {
            return {};
        }
        newest = last->number(0);
    }
    remove->bind(1, newest - bounds_.newest).bind(2, (now - bounds_.time).time_since_epoch().count());
    for (;;) {
        const auto row = remove->step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return {};
        }
        bytes_[remove->text(0)] -= remove->number(1) + overhead;
    }
}

core::Result<void> AuditLog::end(std::int64_t id, std::string_view outcome) {
    const std::lock_guard lock(mutex_);
    if (auto ready = open(); !ready) {
        return ready;
    }
    auto update = database_->prepare(fmt::format("UPDATE audit SET outcome = ? WHERE id = ? RETURNING {}", whose_text));
    if (!update) {
        return tl::unexpected(std::move(update.error()));
    }
    update->bind(1, cut(outcome)).bind(2, id);
    const auto row = update->step();
    if (row && *row) {
        bytes_[update->text(0)] += static_cast<std::int64_t>(cut(outcome).size());
        return update->step().map([](bool) {});
    }
    return row.map([](bool) {});
}

core::Result<void> AuditLog::update(const std::string& where, std::string_view outcome,
                                    const std::vector<std::string>& words) {
    const std::lock_guard lock(mutex_);
    if (auto ready = open(); !ready) {
        return ready;
    }
    auto update = database_->prepare("UPDATE audit SET outcome = ? WHERE " + where);
    if (!update) {
        return tl::unexpected(std::move(update.error()));
    }
    update->bind(1, cut(outcome));
    for (std::size_t i = 0; i < words.size(); ++i) {
        update->bind(static_cast<int>(i) + 2, cut(words[i]));
    }
    return update->step().map([](bool) {});
}

core::Result<void> AuditLog::close_begun() {
    return update("outcome = 'begun'", "not known: gatehouse ended meanwhile", {});
}

core::Result<void> AuditLog::close_upgrade(const std::string& who, const std::string& why, std::string_view outcome) {
    return update("what = 'upgrade' AND outcome = 'accepted' AND who = ? AND why = ?", outcome, {who, why});
}

core::Result<void> AuditLog::close_upgrades(std::string_view outcome) {
    return update("what = 'upgrade' AND outcome = 'accepted'", outcome, {});
}

core::Result<std::vector<AuditEntry>> AuditLog::select(const std::string& where, std::int64_t number) {
    const std::lock_guard lock(mutex_);
    if (auto ready = open(); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    auto rows = database_->prepare(
        "SELECT id, time, who, acts_for, came_from, what, request, why, outcome FROM audit " + where);
    if (!rows) {
        return tl::unexpected(std::move(rows.error()));
    }
    rows->bind(1, number);
    std::vector<AuditEntry> entries;
    for (;;) {
        const auto row = rows->step();
        if (!row) {
            return tl::unexpected(row.error());
        }
        if (!*row) {
            return entries;
        }
        entries.push_back({rows->number(0), core::WallTime(core::Milliseconds(rows->number(1))), rows->text(2),
                           rows->text(3), rows->text(4), rows->text(5), rows->text(6), rows->text(7), rows->text(8)});
    }
}

core::Result<std::vector<AuditEntry>> AuditLog::last(std::int64_t count) {
    return select("ORDER BY id DESC LIMIT ?", std::clamp<std::int64_t>(count, 1, read_max));
}

core::Result<std::optional<AuditEntry>> AuditLog::find(std::int64_t id) {
    return select("WHERE id = ?", id).map([](std::vector<AuditEntry> found) {
        return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
    });
}

nlohmann::ordered_json view_audit_entry(const AuditEntry& entry) {
    // A request that was cut is no JSON any more, and is shown as it is.
    const auto request = base::parse_json<nlohmann::ordered_json>(entry.request, base::wide_bounds);
    return {{"id", entry.id},
            {"time", core::base::print_time(entry.time)},
            {"who", entry.who},
            {"for", entry.acts_for},
            {"from", entry.from},
            {"what", entry.what},
            {"request", request.is_discarded() ? nlohmann::ordered_json(entry.request) : request},
            {"why", entry.why},
            {"outcome", entry.outcome}};
}

nlohmann::ordered_json view_audit(const std::vector<AuditEntry>& entries) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const AuditEntry& entry : entries) {
        list.push_back(view_audit_entry(entry));
    }
    return {{"entries", std::move(list)}};
}

}  // namespace appliance::control
