// calendar_reader: what appliance/guard reads out of calendars, for tests/system/calendar_corpus_test.py. From the
// standard input [{"text", "from", "until", "zone"}, ...], times in seconds of the epoch; to the standard output for
// each {"spans": [[from, until], ...]} or {"error": "..."}.
#include <chrono>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "appliance/guard/calendar/calendar.hpp"

namespace {

nlohmann::json read_one(const nlohmann::json& asked) {
    const auto time = [&](const char* key) { return core::WallTime(std::chrono::seconds(asked[key].get<long>())); };
    const auto spans =
        appliance::guard::read_calendar(asked["text"], time("from"), time("until"), asked["zone"].get<std::string>());
    if (!spans) {
        return {{"error", spans.error().line()}};
    }
    auto list = nlohmann::json::array();
    for (const auto& span : *spans) {
        list.push_back({span.from.time_since_epoch().count() / 1000, span.until.time_since_epoch().count() / 1000});
    }
    return {{"spans", std::move(list)}};
}

}  // namespace

int main() {
    const std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    auto answers = nlohmann::json::array();
    for (const auto& asked : nlohmann::json::parse(text)) {
        answers.push_back(read_one(asked));
    }
    std::cout << answers.dump() << '\n';
    return 0;
}
