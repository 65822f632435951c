// Replies: what handlers answer, as HTTP; and what they read of a query. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/api/server.hpp"
#include "appliance/control/model/refusal.hpp"

namespace appliance::control {

api::Reply reply(int status, const nlohmann::ordered_json& body);
api::Reply reply(const Refusal& refusal);
api::Reply reply(const Outcome<nlohmann::ordered_json>& outcome);
api::Reply complain(int status, const core::Error& error);
api::Reply complain(int status, std::string what, std::string mend = {});

// Nothing where the text is no such number.
std::optional<std::uint64_t> read_number(std::string_view text);
// Nothing where the query does not hold such a number.
std::optional<std::uint64_t> number_in(const api::Request& request, const char* name);
// "1" or "0", which is also what a query without it says; else nothing.
std::optional<bool> flag_in(const api::Request& request, const char* name);

}  // namespace appliance::control
