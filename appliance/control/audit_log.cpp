#include "appliance/control/audit_log.hpp"

#include <algorithm>
#include <utility>

namespace appliance::control {
namespace {

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, who TEXT NOT NULL,"
    " acts_for TEXT NOT NULL, came_from TEXT NOT NULL, what TEXT NOT NULL, request TEXT NOT NULL, why TEXT NOT NULL,"
    " outcome TEXT NOT NULL) STRICT;";

// At a character's begin, so that what is left is UTF-8 still.
std::string_view cut(std::string_view text) {
    std::size_t size = std::min(text.size(), AuditLog::text_max);
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
        --size;
    }
    return text.substr(0, size);
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
    return {};
}

core::Result<std::int64_t> AuditLog::begin(const AuditEntry& entry) {
    const std::lock_guard lock(mutex_);
    std::int64_t id = 0;
    auto written = open()
                       .and_then([this] { return database_->execute("BEGIN IMMEDIATE"); })
                       .and_then([&] { return insert(entry); })
                       .map([&id](std::int64_t given) { id = given; })
                       .and_then([&] { return forget(id - kept_); })
                       .and_then([this] { return database_->execute("COMMIT"); });
    if (!written) {
        if (database_) {
            // Fails where the transaction has ended by itself, which is what is wanted.
            static_cast<void>(database_->execute("ROLLBACK"));
        }
        return tl::unexpected(std::move(written.error()));
    }
    return id;
}

core::Result<std::int64_t> AuditLog::insert(const AuditEntry& entry) {
    auto insert = database_->prepare(
        "INSERT INTO audit(time, who, acts_for, came_from, what, request, why, outcome)"
        " VALUES(?,?,?,?,?,?,?,'begun') RETURNING id");
    if (!insert) {
        return tl::unexpected(std::move(insert.error()));
    }
    insert->bind(1, entry.time.time_since_epoch().count()).bind(2, cut(entry.who)).bind(3, cut(entry.acts_for));
    insert->bind(4, cut(entry.from)).bind(5, cut(entry.what)).bind(6, cut(entry.request)).bind(7, cut(entry.why));
    return insert->step().map([&insert](bool) { return insert->number(0); });
}

core::Result<void> AuditLog::forget(std::int64_t up_to) {
    auto remove = database_->prepare("DELETE FROM audit WHERE id <= ?");
    if (!remove) {
        return tl::unexpected(std::move(remove.error()));
    }
    return remove->bind(1, up_to).step().map([](bool) {});
}

core::Result<void> AuditLog::end(std::int64_t id, std::string_view outcome) {
    const std::lock_guard lock(mutex_);
    if (auto ready = open(); !ready) {
        return ready;
    }
    auto update = database_->prepare("UPDATE audit SET outcome = ? WHERE id = ?");
    if (!update) {
        return tl::unexpected(std::move(update.error()));
    }
    update->bind(1, cut(outcome)).bind(2, id);
    return update->step().map([](bool) {});
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
    const auto request = nlohmann::ordered_json::parse(entry.request, nullptr, false);
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
