// Database and Statement: the few things that the stores need of SQLite, as values and Results. SQLite stays behind
// database.cpp. Not thread safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace appliance::state {

// A prepared statement. Its database outlives it.
class Statement {
public:
    // Parameters count from 1.
    Statement& bind(int parameter, std::string_view text);
    Statement& bind(int parameter, std::optional<std::int64_t> number);
    // True: a row is there. False: done. After an error or the end, reset() makes it ready again.
    core::Result<bool> step();
    void reset();

    // Columns count from 0. A null reads as "" and 0.
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::int64_t number(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}

    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
public:
    // Opens or makes the file, in write-ahead mode with every commit on the disk before it returns. Errors: the folder
    // is missing, full or read-only, or the file is not a database, each with what to do.
    static core::Result<Database> open(const std::filesystem::path& file);

    // Whether it was opened for writing, and its file still lies where it was opened. One that is not never becomes so:
    // close it and open it again before a change.
    [[nodiscard]] bool writable() const noexcept;
    core::Result<Statement> prepare(std::string_view text);
    // One or more statements without results.
    core::Result<void> execute(const std::string& text);

private:
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };
    struct Place {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        friend bool operator==(const Place&, const Place&) = default;
    };
    explicit Database(sqlite3* handle) : handle_(handle) {}
    [[nodiscard]] Place place() const noexcept;

    std::unique_ptr<sqlite3, Close> handle_;
    Place place_;  // of the file that was opened; SQLite would go on writing to one that was removed
};

}  // namespace appliance::state
