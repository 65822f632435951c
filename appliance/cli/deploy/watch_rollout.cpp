#include "appliance/cli/deploy/watch_rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/deploy/rollout_view.hpp"
#include "appliance/cli/views/rollout_end.hpp"

namespace appliance::cli {
namespace {

constexpr std::chrono::milliseconds screen_patience{1'000};
constexpr std::chrono::seconds journal_patience{20};

struct Line {
    std::string text;
    Tone tone = Tone::plain;
};

std::string names_in(const Json& step) {
    std::string all;
    for (const Json& server : items(step, "servers")) {
        all += (all.empty() ? "" : ", ") + (server.is_string() ? server.get<std::string>() : std::string());
    }
    return all;
}

bool is_over(const std::string& progress) {
    return progress == "done" || progress == "skipped";
}

// The servers with all of their own steps of that kind of progress.
std::vector<std::string> folded(const Json& rollout, bool (*wanted)(const std::string&)) {
    std::vector<std::pair<std::string, bool>> servers;
    for (const Json& step : items(rollout, "steps")) {
        if (items(step, "servers").size() != 1) {
            continue;
        }
        const std::string name = names_in(step);
        const bool fits = wanted(text(step, "progress"));
        const auto found =
            std::find_if(servers.begin(), servers.end(), [&](const auto& one) { return one.first == name; });
        if (found == servers.end()) {
            servers.emplace_back(name, fits);
        } else {
            found->second = found->second && fits;
        }
    }
    std::vector<std::string> names;
    for (const auto& [name, all] : servers) {
        if (all) {
            names.push_back(name);
        }
    }
    return names;
}

// "web1, web2 and 12 more", as far as there is room.
std::string listed(const std::vector<std::string>& names, std::size_t room) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string more = fmt::format(" and {} more", names.size() - i);
        const std::string next = (text.empty() ? "" : ", ") + names[i];
        const bool last = i + 1 == names.size();
        if (!text.empty() && columns(text) + columns(next) + (last ? 0 : columns(more)) > room) {
            return text + more;
        }
        text += next;
    }
    return text;
}

void add_folded(const char* what, const std::vector<std::string>& names, const Style& style, std::vector<Line>& lines) {
    if (!names.empty()) {
        const std::string head = fmt::format("  {} ({}): ", what, names.size());
        lines.push_back({head + listed(names, style.width - columns(head))});
    }
}

Line line_of(const Json& step) {
    const std::string progress = text(step, "progress");
    const std::string evidence = seen_of(step);
    return {fmt::format("  {:>3}  {:<8} {}: {}{}", number(step, "id") + 1, text(step, "kind"), names_in(step), progress,
                        evidence.empty() ? "" : ", " + evidence),
            progress == "failed" ? Tone::bad : Tone::plain};
}

// The steps worth a line of their own: those that have failed first.
std::vector<Line> busy_lines(const Json& rollout) {
    std::vector<Line> lines;
    for (const char* progress : {"failed", "running"}) {
        for (const Json& step : items(rollout, "steps")) {
            if (text(step, "progress") == progress) {
                lines.push_back(line_of(step));
            }
        }
    }
    return lines;
}

std::vector<Line> head_lines(const Json& rollout) {
    const std::string state = text(rollout, "state");
    const std::string why = text(rollout, "state_why");
    const Json& steps = items(rollout, "steps");
    const auto over =
        std::count_if(steps.begin(), steps.end(), [](const Json& step) { return is_over(text(step, "progress")); });
    const bool alone = field(rollout, "waits_for_runner") == true && field(rollout, "runner").is_null();
    return {{fmt::format("rollout {}: {} deploy of {}, by {}", number(rollout, "id"), text(rollout, "strategy"),
                         text(rollout, "pool"), text(rollout, "who")),
             Tone::title},
            {fmt::format("  {}{}{}", state, why.empty() ? "" : ": ", why), state == "done"      ? Tone::good
                                                                           : state == "running" ? Tone::plain
                                                                                                : Tone::caution},
            {fmt::format("  {} of {} steps finished{}", over, steps.size(),
                         alone ? "; nobody runs its commands: gatehouse deploy resume" : "")}};
}

std::string cut(const Line& line, const Style& style) {
    const std::string safe = clean(line.text);
    return paint(columns(safe) <= style.width ? safe : wrap(safe, style.width - 3).front() + "...", line.tone, style);
}

// The journal's new entries; `seen` is the last one known.
Json news_of(const api::Client& client, std::int64_t id, std::int64_t seen, std::chrono::milliseconds patience) {
    const auto answer =
        client.get(fmt::format("/v1/deploy/journal?id={}&after={}&wait_ms={}", id, seen, patience.count()),
                   api::Client::answer_timeout + patience);
    return answer ? items(base::parse_json<Json>(answer->body, base::wide_bounds), "journal") : Json::array();
}

// False where standard output cannot be written.
bool print_out(const std::string& text) {
    return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

}  // namespace

std::string show_screen(const Json& rollout, const Style& style, std::size_t rows) {
    std::vector<Line> lines = head_lines(rollout);
    std::vector<Line> tail;
    add_folded("done", folded(rollout, is_over), style, tail);
    add_folded("to come", folded(rollout, [](const std::string& progress) { return progress == "pending"; }), style,
               tail);
    std::vector<Line> busy = busy_lines(rollout);
    const std::size_t taken = lines.size() + tail.size();
    const std::size_t room = rows > taken + 1 ? rows - taken : 1;
    if (busy.size() > room) {
        const std::size_t left = busy.size() - (room - 1);
        busy.resize(room - 1);
        busy.push_back({fmt::format("  and {} under way", print_number(static_cast<std::int64_t>(left), "more step"))});
    }
    lines.insert(lines.end(), busy.begin(), busy.end());
    lines.insert(lines.end(), tail.begin(), tail.end());
    lines.resize(std::min(lines.size(), rows));
    std::string out;
    for (const Line& line : lines) {
        out += cut(line, style) + "\n";
    }
    return out;
}

std::string show_entry(const Json& entry) {
    if (text(entry, "kind") != "output") {
        const std::string time = text(entry, "time");
        return fmt::format("{}  {}\n", time.size() >= 19 ? time.substr(11, 8) : time, clean(text(entry, "text")));
    }
    std::string out;
    std::string lines = text(entry, "text");
    while (!lines.empty()) {
        const auto end = lines.find('\n');
        out += "          | " + clean(lines.substr(0, end)) + "\n";
        lines = end == std::string::npos ? std::string() : lines.substr(end + 1);
    }
    return out;
}

int watch_rollout(const api::Client& client, std::int64_t id, bool as_json, const Finish& finish) {
    std::int64_t seen = 0;
    for (;;) {
        const Style style = terminal_style();  // the window may have become another one
        const auto answer = client.get(fmt::format("/v1/deploy?id={}", id));
        if (!answer) {
            return finish(outcome_of(answer.error()));
        }
        const auto rollout = body_of(*answer);
        if (!rollout) {
            return finish(rollout.error());
        }
        const Json& body = *rollout;
        id = number(body, "id");
        const std::string state = text(body, "state");
        const bool over = state != "running" && state != "paused";
        const bool drawn = style.terminal && !as_json;
        const std::size_t rows = std::max<std::size_t>(terminal_height(), 2) - 1;
        if (!print_out(drawn ? redraw(show_screen(body, style, rows), rows) : as_json ? dump(body) : "")) {
            return finish(outcome_of_unwritten(errno));
        }
        const Json news = news_of(client, id, seen,
                                  over    ? std::chrono::milliseconds(0)
                                  : drawn ? screen_patience
                                          : std::chrono::milliseconds(journal_patience));
        for (const Json& entry : news) {
            seen = std::max(seen, number(entry, "number"));
            if (!drawn && !as_json && !print_out(show_entry(entry))) {
                return finish(outcome_of_unwritten(errno));
            }
        }
        if (over && news.empty()) {
            return drawn || as_json ? exit_code_of(body) : finish({exit_code_of(body), show_end(body, style), {}});
        }
    }
}

}  // namespace appliance::cli
