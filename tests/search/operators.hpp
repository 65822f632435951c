// Operators: their orders; the rules check every answer. Each function may block as an operator's command does; any
// thread.
#pragma once

#include "tests/search/house.hpp"
#include "tests/search/rules.hpp"

namespace tests::search {

struct FenceWish {
    std::vector<unsigned> servers;
    std::optional<std::string> pool;
    std::optional<core::Milliseconds> drain;
    std::optional<core::Milliseconds> lasts;
    bool kill = false;
    bool all = false;  // every packet
    bool replace = false;
};

struct DeployWish {
    bool page = false;  // with the maintenance page, all at once
    unsigned batch = 1;
    bool kill = false;
    appliance::config::OnFailure on_failure = appliance::config::OnFailure::pause;
    unsigned tolerate = 0;
    core::Milliseconds drain{1'000};
};

class Operators {
public:
    explicit Operators(House& house) : house_(house) {}

    // What control has answered.
    Answer fence(const FenceWish& wish);
    Answer unfence(const std::vector<unsigned>& servers, std::optional<std::string> pool,
                   std::optional<core::Milliseconds> wait);
    Answer maintenance(const std::string& pool, bool on);
    // `status`.
    void look();
    Answer weight(unsigned server, std::optional<unsigned> weight);
    // Writes the file and has it read.
    Answer reload(const Layout& layout);

    // The id of the rollout, or 0.
    std::int64_t deploy(const DeployWish& wish);
    void pause();
    void resume(bool skip);
    void abort();
    void roll_back();

    // Compares the answers about fences with kernel and proxy. Call it without troubles.
    void check_standing(const std::string& when);
    // Kernel, store and proxy agree within a number of ticks; refused orders have left nothing.
    void check_agreement();

private:
    [[nodiscard]] std::map<Place, std::string> addresses(const appliance::control::Control& control) const;
    void conduct(const std::string& words, const std::function<std::string()>& order);
    void expect_standing(const appliance::control::Control& control, bool proxy_too, const std::string& when,
                         unsigned asking);
    std::string differing();

    House& house_;
};

}  // namespace tests::search
