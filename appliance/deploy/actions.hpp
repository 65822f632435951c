// Actions: the operations of control that a rollout uses. The conductor calls them from its threads, and knows neither
// proxies nor kernels.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/model/config.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::deploy {

struct Words {
    std::string who;
    std::string why;
    std::int64_t rollout = 0;  // the rollout of the step; 0: an operator's order
};

// The state of one backend of a pool. What the proxy does not report is unknown, which is none of the other values.
struct Standing {
    std::string server;
    std::optional<bool> up;  // its last checks
    bool eligible = false;   // known to be up, not fenced, and its pool shows no page
    std::optional<std::uint64_t> in_flight;
    std::string why;                    // what its checks see
    std::string fence;                  // the fence's owner and reason; empty: no fence
    std::optional<std::int64_t> owner;  // of the fence: a rollout; none: an operator, or no fence
};

// Any thread, several at once.
class Actions {
public:
    Actions() = default;
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    virtual ~Actions() = default;

    virtual std::shared_ptr<const config::Config> config() = 0;
    // Whether the proxy serves and the kernel's fences are known.
    virtual bool ready() = 0;
    // Returns when the rules are in the kernel; with kill, when exchanges in flight have been ended too. words names
    // the rollout that owns the fences. Error: an operator's fence stands there; it stays as it is.
    virtual core::Result<void> fence(const std::string& pool, const std::vector<std::string>& servers, bool kill,
                                     const Words& words) = 0;
    // Lifts fences of the rollout in words. Returns when they are lifted. The servers are up again after their next
    // check, which begins at once. A server without a fence is no error. Error: another owner's fence.
    virtual core::Result<void> unfence(const std::string& pool, const std::vector<std::string>& servers,
                                       const Words& words) = 0;
    virtual core::Result<void> page(const std::string& pool, bool on, const std::string& message,
                                    const Words& words) = 0;
    // Checks that the rollout's own fences of these servers stand in the kernel. Error: another owner's fence stands;
    // the rollout's has ended; or it is not known.
    virtual core::Result<void> holds(std::int64_t rollout, const std::string& pool,
                                     const std::vector<std::string>& servers) = 0;
    // The rollout's command of a server begins: no order lifts the fence until it has ended. Error: the fence does not
    // stand any more. Returns at once.
    virtual core::Result<void> begin_command(std::int64_t rollout, const std::string& pool,
                                             const std::string& server) = 0;
    virtual void end_command(const std::string& pool, const std::string& server) = 0;
    // Of every backend of the pool.
    virtual std::vector<Standing> standings(const std::string& pool) = 0;
    // A TCP socket of that family. Its packets pass the fences.
    virtual core::Result<core::base::Descriptor> socket(int family) = 0;
    // Asks the guards about the time from at on, for length. The evidence where all agree. Error: each guard that does
    // not, and why.
    virtual core::Result<std::string> guards(core::WallTime at, core::Milliseconds length) = 0;
    // The pool's request statistics so far, as text to store; and the difference of two such texts.
    virtual std::string visitors(const std::string& pool) = 0;
    virtual nlohmann::ordered_json visitors_between(const std::string& before, const std::string& after) = 0;
    // Writes one line to the log, and to the followers of events.
    virtual void event(std::string_view kind, const nlohmann::ordered_json& fields) = 0;
};

}  // namespace appliance::deploy
