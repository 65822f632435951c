// Verdict: what either end must have seen of a message, and must not have seen. Each function returns an empty text
// where all is well, else the fault. Pure.
#pragma once

#include <string>

#include "tests/torture/message.hpp"

namespace tests::torture {

// end: of the client's connection, if it has ended. reached: a server has seen the request.
std::string judge_response(const Plan& plan, const Incoming& response, Wire::End end, bool reached);
std::string judge_request(const Plan& plan, const Incoming& request);
// What the receiving end of a relay has got from the end from.
std::string judge_stream(const Side& from, const Side& to, const std::string& stream, Wire::End end);

// The proxy's own answer to a request that met a kept connection's close and must not be repeated: no fault of it.
bool excused(const Plan& plan, const Incoming& response, bool reached);

}  // namespace tests::torture
