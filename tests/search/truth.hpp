// Truth: the state of the world at each moment. It has the fences in the kernel, the servers in rotation, exchanges in
// flight, and orders under way. Every part of the world records it here, and the rules compare each answer with it. Any
// thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.hpp"
#include "netfilter/model/fence.hpp"
#include "tests/support/memory_kernel.hpp"

namespace tests::search {

using Moment = std::uint64_t;  // counts every change of the truth
inline constexpr Moment never = ~Moment{0};

// A value over time.
template <typename T>
class Line {
public:
    void set(Moment at, T value) {
        if (values_.empty() || values_.back().second != value) {
            values_.emplace_back(at, std::move(value));
        }
    }
    [[nodiscard]] T now() const { return values_.empty() ? T{} : values_.back().second; }
    [[nodiscard]] T at(Moment when) const {
        const auto after = first_after(when);
        return after == values_.begin() ? T{} : std::prev(after)->second;
    }
    // The moments of [begin, end] at which another value begins, and begin itself.
    void moments(Moment begin, Moment end, std::set<Moment>& into) const {
        into.insert(begin);
        for (auto each = first_after(begin); each != values_.end() && each->first <= end; ++each) {
            into.insert(each->first);
        }
    }

private:
    [[nodiscard]] auto first_after(Moment when) const {
        return std::upper_bound(values_.begin(), values_.end(), when,
                                [](Moment moment, const auto& value) { return moment < value.first; });
    }
    std::vector<std::pair<Moment, T>> values_;
};

// A fence as the kernel has it.
struct Seen {
    std::string id;
    std::string why;
    std::optional<core::WallTime> until;
    netfilter::Scope scope = netfilter::Scope::fresh;
    friend bool operator==(const Seen&, const Seen&) = default;
};

enum class Deed : std::uint8_t { fence, unfence, reload, deploy, other };

struct Deeds {
    unsigned number = 0;
    Deed deed = Deed::other;
    std::set<std::string> servers;  // by name; empty: of no server, or of all (reload)
    Moment begun = 0;
    Moment ended = never;
    std::optional<core::Milliseconds> lasts{};  // of a fence
    bool crossed = false;                       // another order about one of its servers was under way meanwhile
    bool lost = false;                          // control ended before it answered
    core::BootTime began{};
};

// The wanted fence of one backend, by the answers to operators.
struct Standing {
    unsigned order = 0;  // 0: none is to be
    std::string id;
    bool disputed = false;  // orders about it crossed: not known
};
using Place = std::pair<std::string, std::string>;  // pool and server

class Truth {
public:
    std::mutex mutex;  // guards all that follows; nothing is called with it held

    Moment moment = 1;
    const std::shared_ptr<netfilter::Memory> memory = std::make_shared<netfilter::Memory>();
    std::map<std::string, Line<std::optional<Seen>>> kernel;  // by address
    std::map<std::string, core::BootTime> changed;            // by address: when the kernel's fence last changed
    std::map<std::string, Line<bool>> rotation;               // by address: a proxy may send visitors there
    std::map<std::string, Line<unsigned>> flying;             // by address: in flight
    std::map<std::string, Line<bool>> verdict;                // by address: in rotation, and a check has passed since
    std::map<std::string, bool> healthy;                      // by address: what a check would find
    std::map<std::string, Line<bool>> paged;                  // by pool: visitors see the page
    std::map<unsigned, Deeds> deeds;
    std::map<Place, Standing> standing;
    std::map<std::string, Place> places;                           // by address
    std::map<unsigned, std::string> refused;                       // orders that were, with the answer
    std::set<std::string> taken_out;                               // another program took the fences of these addresses
    std::set<std::string> strays;                                  // ids of fences of an unknown server
    std::optional<std::string> lie;                                // the first that was found
    std::map<std::pair<std::int64_t, unsigned>, Moment> commands;  // by rollout and step: when it last began
    std::map<std::pair<std::int64_t, std::string>, std::uint64_t> visited;  // by rollout and server, at its end
    static constexpr Moment foreign_rest = 200;  // a change of another program is over after so many
    Moment resumed = 0;                          // when an operator last resumed a rollout
    bool skipped = false;                        // some step of a rollout was taken for done
    Moment foreign = 0;                          // when another program last changed the table; 0: never
    bool serving = false;                        // a proxy that has been told all since it began
    bool crashed = false;                        // control is being killed: nothing of it reaches the world
    std::deque<std::string> story;

    // With the lock held.
    Moment step() { return ++moment; }
    void tell(std::string line);
    void accuse(const std::string& rule, const std::string& what);
    // Reads the kernel's fences after a change. ours: Gatehouse made it, so no operator's fence may go unexplained.
    void look_at_kernel(bool ours);
    // The reason why an operator's fence of that server may change now; empty: none.
    std::string excuse(const std::string& server, unsigned order);
    [[nodiscard]] std::optional<netfilter::Fence> in_kernel(const std::string& address);

    // The order has its answer. After a crash it has none, and explains changes until forget_lost().
    void end(unsigned number, const std::string& answer);

    // With the lock free.
    void forget_lost();
    unsigned begin(Deed deed, std::set<std::string> servers, const std::string& words,
                   std::optional<core::Milliseconds> lasts = {});
    // Control starts by a file that has moved these servers. Under way until forget_lost().
    void begin_start(std::set<std::string> servers, const std::string& words);
    [[nodiscard]] bool lied();
    void note(std::string line);
    [[nodiscard]] std::string print_story(std::size_t lines);
};

// "o17" out of "o17 disk"; 0: no operator's.
unsigned order_in(const std::string& why);

}  // namespace tests::search
