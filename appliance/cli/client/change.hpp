// Change: a command that changes something. It warns before, tells what is seen while the daemon is at it, and after
// Ctrl-C says what stands.
#pragma once

#include <string>
#include <vector>

#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/waiting.hpp"

namespace appliance::cli {

struct Warning {
    std::vector<std::string> lines;
    bool asks = false;  // on a terminal, unless --yes is given
};

class Change : public Query {
public:
    using Query::Query;

    // Whether consider() is to be called.
    [[nodiscard]] virtual bool looks_before() const { return false; }
    // status: GET /v1/status before the change; null where the daemon gave none. Returns what the operator should know.
    virtual Warning consider(const Json& status);
    // What is seen of it now, asked of the daemon; about once a second while the order waits.
    [[nodiscard]] virtual std::vector<Telling> look(const api::Client& client) const;
    // After Ctrl-C: one line that says what stands now. Without an override the daemon's last change, of its audit log.
    [[nodiscard]] virtual std::string stands(const api::Client& client) const;

    // Asks on a terminal where that is due; code 1 where the answer is no, and nothing has changed then. Prints
    // progress to standard error while it waits.
    int run(const Finish& finish) override;

    // look() and stands() of this command, which outlives the witness.
    [[nodiscard]] Witness witness() const;
};

// The object of an answer; null where there is none within look_patience.
Json look_at(const api::Client& client, const char* path);

// Of the last change, from GET /v1/audit?last=1.
std::string change_stands(const Json& audit);

inline constexpr const char* not_known = "what stands is not known: the daemon does not answer; see gatehouse status";

}  // namespace appliance::cli
