#include "appliance/state/stored_text.hpp"

#include <utility>

#include "appliance/state/database.hpp"

namespace appliance::state {
namespace {

constexpr const char* store_file = "gatehouse.db";

core::Result<std::optional<std::string>> text_of(Database& database, const std::string& query) {
    auto row = database.prepare(query);
    const auto found = row ? row->step() : tl::unexpected(row.error());
    if (!found) {
        return tl::unexpected(found.error());
    }
    return *found ? std::optional(row->text(0)) : std::nullopt;
}

}  // namespace

core::Result<std::optional<std::string>> load_text(const std::filesystem::path& folder, const std::string& table) {
    auto database = Database::open(folder / store_file);
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    auto known = text_of(*database, "SELECT name FROM sqlite_master WHERE name = '" + table + "'");
    return known && *known ? text_of(*database, "SELECT state FROM " + table) : known;
}

core::Result<void> save_text(const std::filesystem::path& folder, const std::string& table,
                             const std::optional<std::string>& text) {
    auto database = Database::open(folder / store_file);
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    const std::string make =
        "CREATE TABLE IF NOT EXISTS " + table + "(id INTEGER PRIMARY KEY CHECK(id=1), state TEXT NOT NULL) STRICT";
    if (auto made = database->execute(make); !made) {
        return made;
    }
    if (!text) {
        return database->execute("DELETE FROM " + table);
    }
    auto insert = database->prepare("INSERT OR REPLACE INTO " + table + " VALUES(1, ?)");
    if (!insert) {
        return tl::unexpected(std::move(insert.error()));
    }
    return insert->bind(1, *text).step().map([](bool) {});
}

}  // namespace appliance::state
