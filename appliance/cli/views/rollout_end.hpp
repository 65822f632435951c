// What the end of a rollout means for scripts and operators. Pure.
#pragma once

#include <string>

#include "appliance/cli/terminal/view.hpp"

namespace appliance::cli {

// Of a rollout as the API shows it, ended or paused: 0 where all was done, or testers look (--preview); 4 where its
// wait for guards (--wait), or for its beginning (--expires), ran out; else 1.
int exit_code_of(const Json& rollout);

// Whether some step of it has failed and would be tried again.
bool has_failed(const Json& rollout);

// Paused, because its preview is there for testers, and nothing has failed.
bool is_previewed(const Json& rollout);

// What has been seen of a step: its evidence, but of a command that runs, where: "by process 4711 on laptop".
std::string seen_of(const Json& step);

}  // namespace appliance::cli
