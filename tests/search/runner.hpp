// Runner: a command line that runs a rollout's commands, as `gatehouse deploy` does. It asks, takes commands, and
// reports how they ended. It may fall silent, lose an answer, or be killed with its commands. The rules of rollouts
// check each command that it gets.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/search/house.hpp"
#include "tests/torture/random.hpp"

namespace tests::search {

class Runner {
public:
    Runner(House& house, std::string name, std::uint64_t seed);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;
    ~Runner();

    std::atomic<bool> slow = false;          // its commands do not end
    std::atomic<bool> silent = false;        // it asks nothing; its commands go on
    std::atomic<unsigned> lose = 0;          // so many answers do not arrive
    std::atomic<bool> killed = false;        // once: it loses its state, and begins again under another name
    std::atomic<unsigned> fail_percent = 5;  // of its commands

    // How many it runs.
    [[nodiscard]] unsigned commands() const { return count_; }

private:
    struct Command {
        std::string server;
        unsigned turns = 0;  // until it ends
    };
    void run();
    void turn();
    void follow(const appliance::deploy::Conductor::Json& answer, Moment begun);
    void take(const appliance::deploy::Conductor::Json& command, Moment begun);
    [[nodiscard]] std::string passed_over(const House::Use& use, unsigned command) const;
    std::uint64_t visits_of(const std::string& server);
    void note_visits(const std::string& server);
    void judge_end(const appliance::deploy::Conductor::Json& rollout);

    House& house_;
    const std::string first_name_;
    std::string name_;
    unsigned lives_ = 0;
    torture::Random random_;
    std::int64_t rollout_ = 0;
    std::int64_t seen_ = 0;  // of the journal
    std::map<unsigned, Command> running_;
    std::vector<appliance::deploy::Sync::Result> results_;
    std::atomic<unsigned> count_ = 0;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace tests::search
