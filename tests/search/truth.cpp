#include "tests/search/truth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "netfilter/fence/fence_plan.hpp"
#include "netfilter/fence/fence_table.hpp"

namespace tests::search {
namespace {

constexpr std::size_t story_max = 400;
// A fence that runs out is lifted to the second.
constexpr core::Milliseconds early_max{1'000};

bool overlap(const std::set<std::string>& one, const std::set<std::string>& other) {
    return std::any_of(one.begin(), one.end(), [&](const std::string& each) { return other.contains(each); });
}

}  // namespace

unsigned order_in(const std::string& why) {
    return why.size() > 1 && why.front() == 'o' ? static_cast<unsigned>(std::strtoul(why.c_str() + 1, nullptr, 10)) : 0;
}

void Truth::tell(std::string line) {
    const auto time = core::BootClock::now().time_since_epoch().count();
    story.push_back(fmt::format("{:>6} {:>7}.{:03} {}", moment, time / 1000, time % 1000, std::move(line)));
    if (story.size() > story_max) {
        story.pop_front();
    }
}

void Truth::accuse(const std::string& rule, const std::string& what) {
    tell("LIE: " + rule + ": " + what);
    if (!lie) {
        lie = rule + ": " + what;
    }
}

std::optional<netfilter::Fence> Truth::in_kernel(const std::string& address) {
    netfilter::MemoryKernel reader(memory);
    const auto snapshot = reader.snapshot(netfilter::fence_table_name, netfilter::Depth::elements);
    for (netfilter::Fence& fence : netfilter::fences_of(*snapshot, core::base::wall_now())) {
        if (fence.backend.text() == address) {
            return std::move(fence);
        }
    }
    return std::nullopt;
}

std::string Truth::excuse(const std::string& server, unsigned order) {
    for (const auto& [number, each] : deeds) {
        if (each.ended != never || each.deed == Deed::deploy || each.deed == Deed::other) {
            continue;
        }
        if (each.servers.empty() || each.servers.contains(server)) {
            return fmt::format("o{} is under way", number);
        }
    }
    if (refused.contains(order)) {
        return "it was refused, and goes as soon as the fence process can be reached";
    }
    const auto found = deeds.find(order);
    if (found != deeds.end() && found->second.lasts &&
        core::BootClock::now() >= found->second.began + *found->second.lasts - early_max) {
        return "its time is over";
    }
    return {};
}

void Truth::look_at_kernel(bool ours) {
    foreign = ours ? foreign : step();
    netfilter::MemoryKernel reader(memory);
    const auto snapshot = reader.snapshot(netfilter::fence_table_name, netfilter::Depth::elements);
    std::map<std::string, Seen> there;
    for (netfilter::Fence& fence : netfilter::fences_of(*snapshot, core::base::wall_now())) {
        there[fence.backend.text()] = {fence.id, fence.why, fence.until, fence.scope};
    }
    for (const auto& [address, place] : places) {
        const auto found = there.find(address);
        const auto now = found == there.end() ? std::nullopt : std::optional(found->second);
        const auto before = kernel[address].now();
        if (before == now) {
            continue;
        }
        kernel[address].set(step(), now);
        if (!ours && !now) {
            taken_out.insert(address);
        } else {
            taken_out.erase(address);
        }
        changed[address] = core::BootClock::now();
        tell(fmt::format("kernel: {} ({}): {}{}", place.second, address, now ? "fenced, " + now->why : "open",
                         ours ? "" : " (another program)"));
        const bool moved = before && std::any_of(there.begin(), there.end(),
                                                 [&before](const auto& each) { return each.second.id == before->id; });
        const unsigned order = before ? order_in(before->why) : 0;
        const bool same = before && now && before->id == now->id;
        const bool stray = before && strays.contains(before->id);
        if (order != 0 && ours && !same && !moved && !stray && excuse(place.second, order).empty()) {
            accuse("an operator's fence stands until an operator lifts it, another replaces it, or it runs out",
                   fmt::format("o{} of {} {}", order, place.second,
                               now ? "was replaced by '" + now->why + "'" : "was lifted"));
        }
    }
}

unsigned Truth::begin(Deed deed, std::set<std::string> servers, const std::string& words,
                      std::optional<core::Milliseconds> lasts) {
    const std::lock_guard lock(mutex);
    const auto number = static_cast<unsigned>(deeds.size() + 1);
    Deeds mine{number, deed, std::move(servers), step(), never, lasts, false, false, core::BootClock::now()};
    for (auto& [other, each] : deeds) {
        if (each.ended == never && overlap(each.servers, mine.servers)) {
            each.crossed = mine.crossed = true;
        }
    }
    deeds.emplace(number, std::move(mine));
    tell(fmt::format("o{} {}", number, words));
    return number;
}

void Truth::begin_start(std::set<std::string> servers, const std::string& words) {
    const unsigned number = begin(Deed::reload, std::move(servers), words);
    const std::lock_guard lock(mutex);
    deeds.at(number).lost = true;
}

void Truth::end(unsigned number, const std::string& answer) {
    Deeds& mine = deeds.at(number);
    step();
    if (crashed) {
        mine.lost = true;
        tell(fmt::format("o{} has no answer", number));
        for (auto& [address, place] : places) {
            standing[place].disputed = standing[place].disputed || mine.servers.contains(place.second);
        }
        return;
    }
    mine.ended = moment;
    tell(fmt::format("o{} answered: {}", number, answer));
}

void Truth::forget_lost() {
    const std::lock_guard lock(mutex);
    for (auto& [number, each] : deeds) {
        each.ended = each.lost && each.ended == never ? step() : each.ended;
    }
}

bool Truth::lied() {
    const std::lock_guard lock(mutex);
    return lie.has_value();
}

void Truth::note(std::string line) {
    const std::lock_guard lock(mutex);
    tell(std::move(line));
}

std::string Truth::print_story(std::size_t lines) {
    const std::lock_guard lock(mutex);
    std::string text;
    for (std::size_t i = story.size() - std::min(lines, story.size()); i < story.size(); ++i) {
        text += story[i] + "\n";
    }
    return text;
}

}  // namespace tests::search
