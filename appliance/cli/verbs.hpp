// What the parsers of several commands say alike.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/cli/options.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace appliance::cli {

// A command below parent, with --json. parent and options stay the caller's and outlive the parse.
CLI::App& add_verb(CLI::App& parent, Options& options, Command command, const std::string& name,
                   const std::string& help);
void add_why(CLI::App& command, Options& options);
// An option that takes a duration; store gets it.
CLI::Option* add_duration(CLI::App& command, const std::string& name, const std::string& help,
                          std::function<void(core::Milliseconds)> store);
// "unknown mode 'rest', did you mean 'reset'?", else the known ones.
std::string unknown_word(std::string_view kind, std::string_view word, std::span<const std::string_view> known);

}  // namespace appliance::cli
