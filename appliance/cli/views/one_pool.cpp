#include "appliance/cli/views/one_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "appliance/config/values/nearest.hpp"

namespace appliance::cli {
namespace {

template <typename Wanted>
Json filtered(const Json& list, const Wanted& wanted) {
    Json kept = Json::array();
    std::copy_if(list.begin(), list.end(), std::back_inserter(kept), wanted);
    return kept;
}

}  // namespace

core::Result<Json> keep_pool(Json body, const std::optional<std::string>& pool) {
    if (!pool) {
        return body;
    }
    std::vector<std::string> names;
    for (const Json& one : items(body, "pools")) {
        names.push_back(text(one, "name"));
    }
    Json pools = filtered(items(body, "pools"), [&](const Json& one) { return text(one, "name") == *pool; });
    if (pools.empty()) {
        const std::vector<std::string_view> known(names.begin(), names.end());
        return core::fail(fmt::format("no pool '{}'", *pool), "", config::suggest(*pool, known, "pools"));
    }
    if (body.contains("listeners")) {
        body["listeners"] =
            filtered(items(body, "listeners"), [&](const Json& one) { return text(one, "pool") == *pool; });
    }
    body["pools"] = std::move(pools);
    return body;
}

}  // namespace appliance::cli
