// Recipe: how a pool is deployed, from [deploy.NAME], from flags, or from both. Its fields are listed once, in
// each_field: the file, the command line, the API and the stored plan all read and write that list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/duration.hpp"
#include "core/http/status.hpp"

namespace appliance::config {

enum class Schema { none, compatible, breaking };
enum class OnFailure { pause, rollback, abort };
enum class OnRestart { resume, pause };

struct Recipe {
    std::string name;                  // of [deploy.NAME]; empty: from flags alone
    std::string pool;                  // of the configuration
    std::vector<std::string> servers;  // of the pool; empty: all of them
    std::string run;                   // the command, with {server}, {host} and {port}; runs on the operator's machine
    std::string rollback;              // the command that undoes it; empty: there is none
    std::string run_source;            // its origin, for people: "--run by ann", "[deploy.app]"; empty: not known
    std::string rollback_source;       // the same
    std::string batch = "1";           // servers at a time: a number, or a share as "25%"
    std::int64_t min_healthy = 1;      // eligible servers that must be left while a batch is away
    core::Milliseconds drain{30'000};
    bool kill = false;  // ends what is in flight when drain is over; else that is a failure
    core::Milliseconds run_timeout{900'000};
    std::string warm_path = "/";
    std::int64_t warm_count = 1;
    core::Milliseconds warm_timeout{60'000};  // until the server answers again, first request included
    std::string host;                         // of the requests; empty: that of the pool's check, or the address
    std::vector<std::string> headers;         // of the requests, each "Name: value"; none: those of the pool's check
    std::string verify_path = "/";
    std::int64_t verify_port = 0;  // of the server, where it is not the pool's; 0: that
    core::Milliseconds verify_timeout{10'000};
    core::http::StatusSet expect_status;      // 200 alone, where nothing else is said
    std::string expect_body;                  // a text that the body holds
    std::string expect_regex;                 // a Perl-compatible expression that matches somewhere in the body
    std::string expect_json;                  // "/pointer=value" (RFC 6901)
    std::string expect_header;                // "Name: value"
    core::Milliseconds open_timeout{60'000};  // until the first check has passed
    core::Milliseconds soak{0};
    core::Milliseconds expected{900'000};  // how long all of it takes, for guards that know what is to come
    core::Milliseconds wait{0};            // for guards that do not agree, each time they are asked
    Schema schema = Schema::none;
    OnFailure on_failure = OnFailure::pause;
    OnRestart on_restart = OnRestart::resume;
    std::int64_t tolerate = 0;  // servers that may fail without stopping the rollout
    std::string message;        // on the maintenance page
    bool preview = false;       // of maintenance: testers look before the page goes, and an operator resumes

    friend bool operator==(const Recipe&, const Recipe&) = default;
};

// What `batch` says: so many servers, or a share of them, rounded down but never to none.
struct Batch {
    unsigned count = 1;  // 1 to 256; of percent: 1 to 100
    bool percent = false;

    [[nodiscard]] std::size_t of(std::size_t servers) const;
};

// Nothing where the text is neither "2" nor "25%".
std::optional<Batch> parse_batch(std::string_view text);

template <typename Enum>
struct Word {
    std::string_view name;
    Enum value;
};

inline constexpr Word<Schema> schema_names[] = {
    {"none", Schema::none}, {"compatible", Schema::compatible}, {"breaking", Schema::breaking}};
inline constexpr Word<OnFailure> on_failure_names[] = {
    {"pause", OnFailure::pause}, {"rollback", OnFailure::rollback}, {"abort", OnFailure::abort}};
inline constexpr Word<OnRestart> on_restart_names[] = {{"resume", OnRestart::resume}, {"pause", OnRestart::pause}};

// Calls visit for each field but the name and the sources, with its key, its bounds and its help.
// Text: text(key, value, help); command(key, value, help) for a text with placeholders (placeholder.hpp).
// Lists: list(key, value, help); headers(key, value, help) for a list of "Name: value" (header.hpp); statuses(key,
// value, help).
// Numbers: number(key, value, min, max, help); duration(key, value, min, max, help).
// Others: flag(key, value, help); choice(key, value, words, help).
template <typename AnyRecipe, typename Visitor>
void each_field(AnyRecipe& recipe, Visitor&& visit) {
    using namespace std::chrono_literals;
    visit.text("pool", recipe.pool, "The pool whose servers are deployed");
    visit.list("servers", recipe.servers, "Deploy only these servers of the pool");
    visit.command("run", recipe.run, "Command for each server: {server}, {host}, {port}");
    visit.command("rollback", recipe.rollback, "Command that undoes the deploy");
    visit.text("batch", recipe.batch, "Servers at a time: 2, or 25%");
    visit.number("min_healthy", recipe.min_healthy, 0, 256, "Eligible servers that must be left");
    visit.duration("drain", recipe.drain, 0ms, 24h, "Longest wait for requests in flight");
    visit.flag("kill", recipe.kill, "Kill what --drain has left; else the deploy stops");
    visit.duration("run_timeout", recipe.run_timeout, 1s, 24h, "Time limit of the command on each server");
    visit.text("warm_path", recipe.warm_path, "Path of warm-up requests");
    visit.number("warm_count", recipe.warm_count, 0, 1000, "Number of warm-up requests");
    visit.duration("warm_timeout", recipe.warm_timeout, 1s, 1h, "Time limit of all warm-up requests");
    visit.text("verify_host", recipe.host, "Host of warm-up and verify requests");
    visit.headers("verify_headers", recipe.headers, "Headers of both, not the check's: 'X-A: b'");
    visit.number("verify_port", recipe.verify_port, 0, 65535, "Verify this port of the server; 0: the pool's");
    visit.text("verify_path", recipe.verify_path, "Path to verify");
    visit.duration("verify_timeout", recipe.verify_timeout, 1s, 1h, "Time limit of the verify request");
    visit.statuses("expect_status", recipe.expect_status, "Expected status: 200, or 200,204,3xx");
    visit.text("expect_body", recipe.expect_body, "Text that the body must contain");
    visit.text("expect_regex", recipe.expect_regex, "Regular expression (PCRE) that the body matches");
    visit.text("expect_json", recipe.expect_json, "Expected JSON field: /release/name=2.3");
    visit.text("expect_header", recipe.expect_header, "Expected header: 'X-Release: 2.3'");
    visit.duration("open_timeout", recipe.open_timeout, 1s, 1h, "Time limit until a first check passes");
    visit.duration("soak", recipe.soak, 0ms, 24h, "Time to watch opened servers before the next");
    visit.duration("expected", recipe.expected, 0ms, 24h, "Expected duration; schedules must be free");
    visit.duration("wait", recipe.wait, 0ms, 24h, "Longest wait for guards to agree");
    visit.choice("schema", recipe.schema, schema_names, "Kind of database change");
    visit.choice("on_failure", recipe.on_failure, on_failure_names, "Action when a server fails");
    visit.choice("on_restart", recipe.on_restart, on_restart_names, "Action after a restart of the daemon");
    visit.number("tolerate", recipe.tolerate, 0, 256, "Servers that may fail, and stay fenced");
    visit.text("message", recipe.message, "Text of the maintenance page");
    visit.flag("preview", recipe.preview, "Keep the page on until deploy resume, for testers");
}

}  // namespace appliance::config
