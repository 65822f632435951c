// FenceEndings: how the latest fences ended, for those that wait for one, and the commands that run behind one. Any
// thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "appliance/control/model/record.hpp"
#include "core/base/clock.hpp"

namespace appliance::control {

// Closed: every place that ends a fence says which it was.
enum class FenceEnd : std::uint8_t { lifted, replaced, ran_out };

class FenceEndings {
public:
    // More are forgotten, the oldest first.
    static constexpr std::size_t kept_max = 1024;

    // Author and reason are those of the order that ended it; both are empty for a fence that ran out.
    void note(const FenceRecord& fence, FenceEnd how, const std::string& who, const std::string& why);
    // "web2's fence was lifted by root at 2026-11-28T13:02:11Z (why)". Nothing where this process has not seen it end.
    [[nodiscard]] std::optional<std::string> find(const std::string& id) const;
    // The same of the last fence at an address.
    [[nodiscard]] std::optional<std::string> find_last(const core::Address& address) const;

private:
    mutable std::mutex mutex_;
    struct Ending {
        std::string id;
        core::Address address;
        std::string words;
    };
    std::deque<Ending> endings_;  // the newest last
};

// CommandLeases: which rollouts' commands run behind a fence, so that no order opens a server under a command. Any
// thread.
class CommandLeases {
public:
    // A server of a pool; its address may change while a command runs there.
    using Place = std::pair<std::string, std::string>;

    // False: an order is lifting the fence at this address, or waits to.
    bool begin(const Place& place, const core::Address& address);
    // One that was not begun is no error, nor is one that moves.
    void end(const Place& place);
    void move(const Place& place, const core::Address& address);
    [[nodiscard]] bool running(const std::set<core::Address>& addresses) const;

    // Lets no command begin at these addresses as long as it lives.
    class Lift {
    public:
        Lift(CommandLeases& leases, std::set<core::Address> addresses);
        ~Lift();
        Lift(const Lift&) = delete;
        Lift& operator=(const Lift&) = delete;
        // Waits until no command runs there. False: one still does.
        bool await(core::Milliseconds patience);

    private:
        CommandLeases& leases_;
        std::set<core::Address> addresses_;
    };

private:
    struct Running {
        core::Address address;
        unsigned commands = 0;
    };
    [[nodiscard]] bool any_at(const std::set<core::Address>& addresses) const;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<Place, Running> running_;
    std::multiset<core::Address> lifting_;
};

}  // namespace appliance::control
