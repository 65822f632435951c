// `gatehouse deploy status --watch`: a rollout on one screen, redrawn in its place; or its journal line by line where
// standard output is no terminal.
#pragma once

#include "appliance/cli/client/outcome.hpp"
#include "appliance/cli/terminal/style.hpp"

namespace appliance::cli {

// The rollout in at most rows lines of at most style.width columns: its state, what is under way, what has failed; in
// one line each what is done and what is to come. Pure.
std::string show_screen(const Json& rollout, const Style& style, std::size_t rows);

// One entry of a journal, as the deploy itself prints it. Pure.
std::string show_entry(const Json& entry);

// Follows the rollout (0: the last) to its end. Returns exit_code_of() it.
int watch_rollout(const api::Client& client, std::int64_t id, bool as_json, const Finish& finish);

}  // namespace appliance::cli
