// Reading the control process's JSON for printing. Client and daemon may be of different versions. So a missing field,
// or one of another type, is an empty value here: a status with a gap is better than none.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "core/base/duration.hpp"

namespace appliance::cli {

using Json = nlohmann::json;

// The field of an object; null where there is none.
const Json& field(const Json& object, const char* key);
// An array's field; an empty array where there is none.
const Json& items(const Json& object, const char* key);
std::string text(const Json& object, const char* key, const std::string& fallback = {});
std::int64_t number(const Json& object, const char* key);
std::optional<core::WallTime> time(const Json& object, const char* key);

// For people: "1234", "123k", "1.2M", "45G". Six columns at most; --json has the exact number.
std::string print_count(std::int64_t count);
// The same for a field; "?" where it is no number, because what is not known is not 0.
std::string print_count(const Json& object, const char* key);
// "3 in flight"; "how many are in flight is not known: the proxy does not answer" where the field is no number.
std::string print_in_flight(const Json& object, const char* key);
// "1 fence", "2 fences".
std::string print_number(std::int64_t count, const std::string& noun);
// How long ago a time is: "3h 2m"; "-" where the field is missing.
std::string print_since(const Json& object, const char* key, core::WallTime now);
// How far away, in seconds rounded up: "28m" or "over"; "-" where the field is missing.
std::string print_until(const Json& object, const char* key, core::WallTime now);
// "-" where the text is empty.
std::string or_dash(const std::string& text);
// As print_age does it where that is all of it ("2h 30m"), else exactly ("90500ms").
std::string print_length(core::Milliseconds length);
// A fence's owner: "rollout 7" for one of a deploy, else the field "who"; empty where there is none.
std::string print_owner(const Json& fence);
// "what: why; mend" of an {"error": {...}} body; empty where it is none.
std::string print_error(const Json& body);

}  // namespace appliance::cli
