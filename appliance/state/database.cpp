#include "appliance/state/database.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <utility>

namespace appliance::state {
namespace {

// Another connection (an operator's sqlite3 shell) may hold a lock for a moment.
constexpr int busy_ms = 1'000;

// What went wrong as an operator needs it: SQLite's own words, and what to do about the usual causes.
tl::unexpected<core::Error> refuse(sqlite3* handle, const std::string& opening = {}) {
    const int code = ::sqlite3_errcode(handle);
    const char* file = ::sqlite3_db_filename(handle, "main");
    const std::string name = file != nullptr && *file != '\0' ? file : opening;
    std::string mend;
    switch (code & 0xff) {
        case SQLITE_FULL:
            mend = "make room on the disk of " + name;
            break;
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
            mend = "let gatehouse's user write to the folder of " + name;
            break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            mend = "move " + name + " away; fences are then taken over from the kernel";
            break;
        default:
            break;
    }
    return core::fail("cannot keep the state in " + name, ::sqlite3_errmsg(handle), std::move(mend));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    ::sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* handle) const noexcept {
    ::sqlite3_close_v2(handle);
}

Statement& Statement::bind(int parameter, std::string_view text) {
    ::sqlite3_bind_text64(statement_.get(), parameter, text.data() == nullptr ? "" : text.data(), text.size(),
                          SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}

Statement& Statement::bind(int parameter, std::optional<std::int64_t> number) {
    if (number) {
        ::sqlite3_bind_int64(statement_.get(), parameter, *number);
    } else {
        ::sqlite3_bind_null(statement_.get(), parameter);
    }
    return *this;
}

core::Result<bool> Statement::step() {
    switch (::sqlite3_step(statement_.get())) {
        case SQLITE_ROW:
            return true;
        case SQLITE_DONE:
            return false;
        default:
            return refuse(database_);
    }
}

void Statement::reset() {
    ::sqlite3_reset(statement_.get());
    ::sqlite3_clear_bindings(statement_.get());
}

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(::sqlite3_column_text(statement_.get(), column));
    return bytes == nullptr
               ? std::string()
               : std::string(bytes, static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column)));
}

std::int64_t Statement::number(int column) const {
    return ::sqlite3_column_int64(statement_.get(), column);
}

bool Statement::is_null(int column) const {
    return ::sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

core::Result<Database> Database::open(const std::filesystem::path& file) {
    sqlite3* handle = nullptr;
    const int opened = ::sqlite3_open_v2(file.c_str(), &handle,
                                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database(handle);
    if (handle == nullptr) {
        return core::fail("cannot keep the state in " + file.string(), "out of memory");
    }
    if (opened != SQLITE_OK) {
        return refuse(handle, file.string());
    }
    ::sqlite3_busy_timeout(handle, busy_ms);
    // FULL: in write-ahead mode anything less may lose the last commits at a power cut, and those were acknowledged.
    if (auto ready = database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"); !ready) {
        return tl::unexpected(std::move(ready.error()));
    }
    database.place_ = database.place();
    return database;
}

Database::Place Database::place() const noexcept {
    struct stat status {};
    const char* file = ::sqlite3_db_filename(handle_.get(), "main");
    if (file == nullptr || ::stat(file, &status) != 0) {
        return {};
    }
    return {status.st_dev, status.st_ino};
}

bool Database::writable() const noexcept {
    return ::sqlite3_db_readonly(handle_.get(), "main") == 0 && place() == place_;
}

core::Result<Statement> Database::prepare(std::string_view text) {
    sqlite3_stmt* statement = nullptr;
    if (::sqlite3_prepare_v2(handle_.get(), text.data(), static_cast<int>(text.size()), &statement, nullptr) !=
        SQLITE_OK) {
        return refuse(handle_.get());
    }
    return Statement(handle_.get(), statement);
}

core::Result<void> Database::execute(const std::string& text) {
    if (::sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return refuse(handle_.get());
    }
    return {};
}

}  // namespace appliance::state
