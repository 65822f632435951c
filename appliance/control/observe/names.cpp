#include "appliance/control/observe/names.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

namespace appliance::control {

Names::Names(LookUp look_up) : look_up_(std::move(look_up)) {}

Names::~Names() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        changed_.notify_all();
    }
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void Names::follow(const config::Config& config) {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Entry> next;
    for (const config::Server& server : config.servers) {
        if (server.dns_name.empty()) {
            continue;
        }
        const auto known = entries_.find(server.name);
        const bool same = known != entries_.end() && known->second.standing.name == server.dns_name;
        Entry entry = same ? known->second : Entry{{server.dns_name}, server.resolve};
        entry.due = std::min(entry.due, Clock::now() + server.resolve);
        entry.resolve = server.resolve;
        next.emplace(server.name, std::move(entry));
    }
    entries_ = std::move(next);
    start_threads();
    changed_.notify_all();
}

// Without any thread nothing is known of a name, and its standing says why.
void Names::start_threads() {
    try {
        while (threads_.size() < std::min<std::size_t>(threads_max, entries_.size())) {
            threads_.emplace_back([this] { work(); });
        }
    } catch (const std::system_error& error) {
        if (!threads_.empty()) {
            return;
        }
        for (auto& [server, entry] : entries_) {
            take(server, entry, core::fail_os("no thread to look names up in", error.code().value()));
        }
    }
}

void Names::recall(const config::Answers& answers) {
    const std::lock_guard lock(mutex_);
    for (const auto& [server, answer] : answers) {
        const auto entry = entries_.find(server);
        if (entry != entries_.end() && entry->second.answer.empty()) {
            entry->second.answer = answer;
        }
    }
}

config::Answers Names::answers_for(const config::Config& config) const {
    const std::lock_guard lock(mutex_);
    config::Answers answers;
    for (const auto& [server, entry] : entries_) {
        const config::Server* const wanted = config.server(server);
        if (wanted != nullptr && wanted->dns_name == entry.standing.name && !entry.answer.empty()) {
            answers.emplace(server, entry.answer);
        }
    }
    return answers;
}

std::uint64_t Names::revision() const {
    const std::lock_guard lock(mutex_);
    return revision_;
}

bool Names::settled() const {
    const std::lock_guard lock(mutex_);
    return std::all_of(entries_.begin(), entries_.end(),
                       [](const auto& each) { return each.second.standing.asked || !each.second.answer.empty(); });
}

std::map<std::string, Names::Standing> Names::standings() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, Standing> all;
    for (const auto& [server, entry] : entries_) {
        all.emplace(server, entry.standing);
    }
    return all;
}

std::vector<Names::News> Names::take_news() {
    const std::lock_guard lock(mutex_);
    if (threads_.empty()) {
        start_threads();
    }
    return std::exchange(news_, {});
}

// The configuration may change during a look-up, so the name's entry is looked for again with the answer.
void Names::work() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        const auto due = next_due();
        if (due == entries_.end()) {
            const auto time = next_time();
            time ? static_cast<void>(changed_.wait_until(lock, *time)) : changed_.wait(lock);
            continue;
        }
        due->second.under_way = true;
        const std::string server = due->first;
        const std::string name = due->second.standing.name;
        lock.unlock();
        auto found = look_up_(name, Clock::now() + patience);
        lock.lock();
        const auto entry = entries_.find(server);
        if (entry != entries_.end() && entry->second.standing.name == name) {
            take(server, entry->second, std::move(found));
        }
    }
}

std::map<std::string, Names::Entry>::iterator Names::next_due() {
    const auto now = Clock::now();
    auto first = entries_.end();
    for (auto each = entries_.begin(); each != entries_.end(); ++each) {
        const bool due = !each->second.under_way && each->second.due <= now;
        if (due && (first == entries_.end() || each->second.due < first->second.due)) {
            first = each;
        }
    }
    return first;
}

std::optional<Names::Clock::time_point> Names::next_time() const {
    std::optional<Clock::time_point> next;
    for (const auto& [server, entry] : entries_) {
        if (!entry.under_way && (!next || entry.due < *next)) {
            next = entry.due;
        }
    }
    return next;
}

void Names::take(const std::string& server, Entry& entry, core::Result<std::vector<core::Address>> found) {
    entry.under_way = false;
    Standing& standing = entry.standing;
    const bool failed_before = standing.failing_since.has_value();
    standing.asked = true;
    if (found) {
        entry.due = Clock::now() + entry.resolve;
        standing.error.clear();
        standing.failing_since.reset();
        if (auto answer = in_order(*found); answer != entry.answer) {
            entry.answer = std::move(answer);
            ++revision_;
        }
    } else {
        entry.due = Clock::now() + std::min<Clock::duration>(entry.resolve, again);
        standing.error = found.error().line();
        standing.failing_since = standing.failing_since.value_or(core::base::wall_now());
    }
    if (failed_before == found.has_value()) {
        news_.push_back({server, standing});
    }
    changed_.notify_one();  // the thread that waits does so for a time that this one may come before
}

std::vector<core::Address> in_order(const std::vector<core::Address>& found) {
    std::vector<core::Address> answer;
    std::transform(found.begin(), found.end(), std::back_inserter(answer),
                   [](const core::Address& each) { return each.with_port(0); });
    const int preferred = answer.empty() ? 0 : answer.front().family();
    std::sort(answer.begin(), answer.end(), [preferred](const core::Address& left, const core::Address& right) {
        const bool first = left.family() == preferred;
        return first != (right.family() == preferred) ? first : left < right;
    });
    answer.erase(std::unique(answer.begin(), answer.end()), answer.end());
    return answer;
}

}  // namespace appliance::control
