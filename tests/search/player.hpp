// Player: carries out the steps of a plan in a house. Orders that wait get threads of their own, so the next steps run
// meanwhile.
#pragma once

#include <deque>
#include <functional>
#include <future>
#include <memory>

#include "tests/search/operators.hpp"
#include "tests/search/plan.hpp"
#include "tests/search/runner.hpp"

namespace tests::search {

class Player {
public:
    // alone: no other player uses the house, so the steps may wait for rest and check all of it.
    Player(House& house, std::vector<std::unique_ptr<Runner>>& runners, bool alone)
        : house_(house), operators_(house), runners_(runners), alone_(alone) {}

    // Until its end, or a lie. Returns how many steps were played.
    std::size_t play(const Plan& plan);
    // Waits for the orders that wait.
    void join();
    // Ends all troubles and checks that all agrees.
    void rest();

private:
    void carry_out(const Step& step);
    void order(const Step& step);
    void deploy(const Step& step);
    void visitors(const Step& step);
    void time(const Step& step);
    void trouble_processes(const Step& step);
    void trouble_kernel(const Step& step);
    void trouble_runners(const Step& step);
    void fence(const Step& step);
    void unfence(const Step& step);
    void wait_apart(std::function<void()> order);

    House& house_;
    Operators operators_;
    std::vector<std::unique_ptr<Runner>>& runners_;
    bool alone_;
    std::deque<std::future<void>> waiting_;
};

}  // namespace tests::search
