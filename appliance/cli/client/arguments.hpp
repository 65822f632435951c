// The arguments that several commands take, declared the same way for each. A command's declare() calls these.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/cli/client/common.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace appliance::cli {

// Each writes into common when the command line is read; common outlives app.
void add_json(CLI::App& app, Common& common);
void add_why(CLI::App& app, Common& common);
void add_yes(CLI::App& app, Common& common);
// POOL, the positional argument.
void add_pool(CLI::App& app, Common& common, const std::string& help);
// SERVER... and --pool.
void add_servers(CLI::App& app, Common& common, const std::string& help);
// name: --wait or --timeout.
void add_wait(CLI::App& app, Common& common, const std::string& name, const std::string& help);

// An option that takes a duration. store gets it, and throws CLI::ValidationError where it is out of range.
CLI::Option* add_duration(CLI::App& app, const std::string& name, const std::string& help,
                          std::function<void(core::Milliseconds)> store);
// An option that takes a point in time, or how far away from now it is.
CLI::Option* add_time(CLI::App& app, const std::string& name, const std::string& help, core::WallTime now,
                      std::function<void(core::WallTime, const std::string& text)> store);
// --mode of a fence: reset, icmp or drop.
void add_mode(CLI::App& app, std::optional<std::string>& mode);
// --confirm of a change to the configuration: 1s to 1h.
void add_confirm(CLI::App& app, std::optional<core::Milliseconds>& confirm);
// An option that takes an integer from min to max.
void add_number(CLI::App& app, const std::string& name, std::int64_t& number, std::int64_t min, std::int64_t max,
                const std::string& help);

// "unknown mode 'rest', did you mean 'reset'?", else the known ones.
std::string unknown_word(std::string_view kind, std::string_view word, std::span<const std::string_view> known);

}  // namespace appliance::cli
