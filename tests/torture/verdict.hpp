// Verdict: what either end must have seen of a message, and must not have seen. Each function returns nothing where all
// is well, else what is wrong. Pure.
#pragma once

#include <string>

#include "tests/torture/message.hpp"

namespace tests::torture {

// end: of the client's connection, if it has ended. reached: a server has seen the request.
std::string judge_response(const Plan& plan, const Incoming& response, Wire::End end, bool reached);
std::string judge_request(const Plan& plan, const Incoming& request);
// What the end that is not from has got of a relay.
std::string judge_stream(const Side& from, const Side& to, const std::string& stream, Wire::End end);

// The proxy's own answer to a request that met the end of a kept connection and must not be sent again: not its fault.
bool excused(const Plan& plan, const Incoming& response, bool reached);

}  // namespace tests::torture
