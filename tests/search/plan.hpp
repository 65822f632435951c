// Plan: the steps of one episode, as data. A seed makes it. It prints as a story, and can be replayed with some steps
// left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tests::search {

enum class Kind : std::uint8_t {
    // Operators.
    fence,
    unfence,
    page,
    weight,
    look,
    reload,
    // Deploys.
    deploy,
    pause,
    resume,
    abort,
    roll_back,
    // Visitors and servers.
    requests,
    ends,
    health,
    broken,
    // The world; the second of each pair ends the first.
    time,
    wall,
    wedge,
    unwedge,
    mute,
    late,
    refuse_administer,
    kill_proxy,
    start_proxy,
    kill_helper,
    start_helper,
    refuse_commit,
    unknown_commit,
    vanished_commit,
    refuse_reap,
    flush,
    remove_element,
    fill_disk,
    empty_disk,
    restart,
    crash,
    // Command lines.
    silence,
    speak,
    kill_runner,
    lose_answer,
    rest,  // troubles end, and all agrees
};

struct Step {
    Kind kind = Kind::rest;
    unsigned a = 0;  // which server, how long, how many: as its kind takes it
    unsigned b = 0;
    unsigned c = 0;
};
using Plan = std::vector<Step>;

enum class Part : std::uint8_t { all, orders, world };  // which steps
struct Mix {
    Part part = Part::all;
    bool deploys = false;
    bool calm = false;  // no troubles
};

Plan make_plan(std::uint64_t seed, std::size_t length, Mix mix);
std::string print(const Step& step);

}  // namespace tests::search
