// Standing: what is seen of a change while it is waited for, and what stands after Ctrl-C. Pure: answers of the API in,
// sentences out. What the daemon does not know is said to be not known.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/client/waiting.hpp"

namespace appliance::cli {

// Where the daemon does not answer in time.
std::vector<Telling> tell_not_known();
// Of a fence: from GET /v1/status, and from GET /v1/rules whether the rule is in the kernel.
std::vector<Telling> tell_fence(const Json& status, const Json& rules, const Common& common);
// Of an unfence, from GET /v1/status.
std::vector<Telling> tell_unfence(const Json& status, const Common& common);
// Of an order to a rollout, from GET /v1/deploy.
std::vector<Telling> tell_rollout(const Json& rollout);

// Of the steps of a rollout that drain or open servers now, from GET /v1/status too.
std::vector<Telling> tell_waiting(const Json& rollout, const Json& status);
// Whether the rollout has such steps.
bool waits_for_servers(const Json& rollout);

// "web1 stays fenced, 3 requests in flight. Repeat the command to wait longer, or: gatehouse unfence web1".
std::string fence_stands(const Json& status, const Common& common);
std::string unfence_stands(const Json& status, const Common& common);
std::string page_stands(const Json& status, const Common& common);
std::string upgrade_stands(const Json& status);
std::string rollout_stands(const Json& rollout);

}  // namespace appliance::cli
