// How long fences take, compared with spawning nft and iptables. All in one run, interleaved, in a network namespace of
// its own. Prints medians, with the required values.
#include <fmt/format.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/kernel_floor.hpp"
#include "core/base/descriptor.hpp"
#include "netfilter/agent/helper.hpp"
#include "netfilter/client/helper_client.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "tests/support/any_redirect.hpp"

namespace {

using bench::backend;
using bench::Floor;
using bench::need;
using netfilter::Change;
using netfilter::Fence;
using netfilter::FenceManager;
using netfilter::Unfence;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::duration<double, std::micro>;

Fence make_fence(std::size_t i) {
    Fence fence;
    fence.backend = backend(i);
    fence.id = "7f3a";
    fence.who = "ann";
    fence.why = "deploy v42";
    fence.since = core::base::wall_now();
    return fence;
}

std::vector<Change> fences(std::size_t count) {
    std::vector<Change> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.emplace_back(make_fence(i));
    }
    return all;
}

std::vector<Change> unfences(std::size_t count) {
    std::vector<Change> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.emplace_back(Unfence{backend(i)});
    }
    return all;
}

Micros time(const std::function<void()>& work) {
    const auto start = Clock::now();
    work();
    return Clock::now() - start;
}

double median(std::vector<Micros> times) {
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return middle->count();
}

std::string print(double micros) {
    return micros < 10'000 ? fmt::format("{:.1f} us", micros) : fmt::format("{:.1f} ms", micros / 1'000);
}

void row(const std::string& what, const std::string& value, const std::string& bound = {}, bool held = true) {
    fmt::print("  {:<44}{:>14}{}\n", what, value,
               bound.empty() ? "" : fmt::format("   {:<16}{}", bound, held ? "held" : "MISSED"));
}

// Runs a program as an operator's script does: no shell, output discarded.
class Program {
public:
    Program(std::string name, std::string path) : name_(std::move(name)), path_(std::move(path)) {}
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool missing() const { return access(path_.c_str(), X_OK) != 0; }
    [[nodiscard]] bool run(const std::vector<std::string>& words) const {
        std::vector<char*> arguments{const_cast<char*>(path_.c_str())};
        for (const auto& word : words) {
            arguments.push_back(const_cast<char*>(word.c_str()));
        }
        arguments.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
        pid_t child = 0;
        const int failed = posix_spawn(&child, path_.c_str(), &actions, nullptr, arguments.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        int status = 0;
        return failed == 0 && waitpid(child, &status, 0) == child && status == 0;
    }

private:
    std::string name_;
    std::string path_;
};

// A rival: its commands to cut one backend off and to open it again.
struct Rival {
    Program program;
    std::vector<std::string> fence;
    std::vector<std::string> unfence;
    double at_least;  // how many times faster we must be
    std::vector<Micros> fenced{};
    std::vector<Micros> unfenced{};
};

std::vector<Rival> rivals() {
    const std::string rule = "OUTPUT -d 10.0.0.1 -p tcp --dport 80 -j REJECT --reject-with tcp-reset";
    std::vector<std::string> words;
    for (std::size_t at = 0; at < rule.size();) {
        const auto end = std::min(rule.find(' ', at), rule.size());
        words.push_back(rule.substr(at, end - at));
        at = end + 1;
    }
    auto insert = words;
    auto remove = words;
    insert.insert(insert.begin(), "-I");
    remove.insert(remove.begin(), "-D");
    std::vector<Rival> all;
    all.push_back({{"nft", "/usr/sbin/nft"},
                   {"add", "element", "inet", "rival", "fenced", "{ 10.0.0.1 . tcp . 80 : goto deny }"},
                   {"delete", "element", "inet", "rival", "fenced", "{ 10.0.0.1 . tcp . 80 }"},
                   100});
    all.push_back({{"iptables-nft", "/usr/sbin/iptables-nft"}, insert, remove, 10});
    all.push_back({{"iptables-legacy", "/usr/sbin/iptables-legacy"}, insert, remove, 10});
    std::erase_if(all, [](const Rival& rival) {
        const bool none = rival.program.missing();
        const bool unable = !none && rival.program.name() == "nft"
                                ? !rival.program.run({"add table inet rival; add chain inet rival deny; "
                                                      "add map inet rival fenced { type ipv4_addr . inet_proto . "
                                                      "inet_service : verdict; }"})
                                : !none && !rival.program.run({"-L"});
        if (none || unable) {
            fmt::print("  {}: left out, {}\n", rival.program.name(),
                       none ? "the program is not installed" : "the kernel does not let it work here");
        }
        return none || unable;
    });
    return all;
}

void bench_rivals(FenceManager& manager) {
    constexpr int rounds = 40;
    fmt::print("One fence and unfence, {} interleaved rounds\n", rounds);
    auto all = rivals();
    std::vector<Micros> fenced;
    std::vector<Micros> unfenced;
    const std::vector<Change> on{make_fence(1)};
    const std::vector<Change> off{Unfence{backend(1)}};
    for (int round = 0; round < rounds; ++round) {
        // Another program's change makes the manager read the table once, which is no part of a fence's cost.
        need(manager.repair());
        fenced.push_back(time([&] { need(manager.apply(on)); }));
        unfenced.push_back(time([&] { need(manager.apply(off)); }));
        for (auto& rival : all) {
            const auto run = [&rival](const std::vector<std::string>& words) {
                if (!rival.program.run(words)) {
                    throw std::runtime_error(rival.program.name() + " failed");
                }
            };
            rival.fenced.push_back(time([&] { run(rival.fence); }));
            rival.unfenced.push_back(time([&] { run(rival.unfence); }));
        }
    }
    const double ours_on = median(fenced);
    const double ours_off = median(unfenced);
    row("gatehouse fence", print(ours_on));
    row("gatehouse unfence", print(ours_off));
    for (const auto& rival : all) {
        const double on_ratio = median(rival.fenced) / ours_on;
        const double off_ratio = median(rival.unfenced) / ours_off;
        const auto bound = fmt::format(">= {:.0f} times", rival.at_least);
        row(rival.program.name() + " fence", print(median(rival.fenced)));
        row("  that is", fmt::format("{:.0f} times", on_ratio), bound, on_ratio >= rival.at_least);
        row(rival.program.name() + " unfence", print(median(rival.unfenced)));
        row("  that is", fmt::format("{:.0f} times", off_ratio), bound, off_ratio >= rival.at_least);
    }
}

void bench_single(FenceManager& manager, std::size_t present) {
    constexpr int rounds = 400;
    std::vector<Micros> least;
    std::vector<Micros> least_off;
    need(manager.apply(fences(present)));
    Floor floor;
    std::vector<Micros> fence;
    std::vector<Micros> again;
    std::vector<Micros> unfence;
    const std::vector<Change> on{make_fence(1'000'000)};
    auto other = make_fence(1'000'000);
    other.why = "deploy v43";
    const std::vector<Change> changed{other};
    const std::vector<Change> off{Unfence{backend(1'000'000)}};
    for (int round = 0; round < rounds; ++round) {
        if (round % 20 == 0) {
            for (int one = 0; one < 20; ++one) {
                least.push_back(time([&] { floor.add(); }));
                least_off.push_back(time([&] { floor.remove(); }));
            }
            // Commits since the last apply make the manager read its table once.
            need(manager.apply(on));
            need(manager.apply(off));
        }
        fence.push_back(time([&] { need(manager.apply(on)); }));
        again.push_back(time([&] { need(manager.apply(changed)); }));
        unfence.push_back(time([&] { need(manager.apply(off)); }));
    }
    const double middle = median(fence);
    row(fmt::format("fence, {} present", present), print(middle));
    row("  one bare element, the kernel's floor", print(median(least)));
    row("  that is", fmt::format("{:.2f} times", middle / median(least)), "<= 4 times", middle <= 4 * median(least));
    row("  and out again", print(median(least_off)));
    row("  fence anew with another reason", print(median(again)));
    row("  unfence", print(median(unfence)));
    row("  inspect all", print(median({time([&] { need(manager.list()); }), time([&] { need(manager.list()); }),
                                       time([&] { need(manager.list()); })})));
    need(manager.apply(unfences(present)));
}

// Transactions per second.
double rate_of(const std::function<void()>& pair) {
    std::size_t transactions = 0;
    const auto start = Clock::now();
    while (Clock::now() - start < std::chrono::milliseconds(250)) {
        pair();
        transactions += 2;
    }
    return static_cast<double>(transactions) / std::chrono::duration<double>(Clock::now() - start).count();
}

void bench_sustained(FenceManager& manager) {
    const std::vector<Change> on{make_fence(1)};
    const std::vector<Change> off{Unfence{backend(1)}};
    Floor floor;
    std::vector<double> ours;
    std::vector<double> least;
    for (int round = 0; round < 7; ++round) {
        least.push_back(rate_of([&] {
            floor.add();
            floor.remove();
        }));
        ours.push_back(rate_of([&] {
            need(manager.apply(on));
            need(manager.apply(off));
        }));
    }
    const auto middle = [](std::vector<double>& rates) {
        std::nth_element(rates.begin(), rates.begin() + 3, rates.end());
        return rates[3];
    };
    const double share = middle(ours) / middle(least);
    row("fence and unfence, sustained", fmt::format("{:.0f} tx/s", middle(ours)));
    row("  one bare element, in and out", fmt::format("{:.0f} tx/s", middle(least)));
    row("  that is", fmt::format("{:.2f} of it", share), ">= 0.25 of it", share >= 0.25);
}

void bench_bulk(FenceManager& manager) {
    constexpr std::size_t count = 10'000;
    const Program nft{"nft", "/usr/sbin/nft"};
    const auto on = fences(count);
    const auto off = unfences(count);
    std::vector<Micros> fence;
    std::vector<Micros> inspect;
    std::vector<Micros> by_nft;
    std::vector<Micros> unfence;
    for (int round = 0; round < 9; ++round) {
        fence.push_back(time([&] { need(manager.apply(on)); }));
        inspect.push_back(time([&] { need(manager.list()); }));
        if (!nft.missing()) {
            bool listed = false;
            by_nft.push_back(time([&] { listed = nft.run({"-j", "list", "table", "inet", "gatehouse"}); }));
            if (!listed) {
                throw std::runtime_error("nft lists nothing");
            }
        }
        unfence.push_back(time([&] { need(manager.apply(off)); }));
    }
    row("10000 fences in one transaction", print(median(fence)), "<= 80 ms", median(fence) <= 80'000);
    row("  inspected", print(median(inspect)));
    if (!by_nft.empty()) {
        const double share = median(inspect) / median(by_nft);
        row("  nft -j list table", print(median(by_nft)));
        row("  that is", fmt::format("{:.2f} of it", share), "<= 0.5 of it", share <= 0.5);
    }
    row("  lifted in one transaction", print(median(unfence)));
}

// The fence process's repair, without a request: from another program's removal of the table until it is back with its
// fences.
void bench_repair(FenceManager& manager) {
    constexpr std::size_t present = 1'000;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::runtime_error("no socket pair");
    }
    std::thread helper([&manager, end = core::base::Descriptor(ends[1])] {
        need(netfilter::serve(end.get(), manager, tests::support::allow_any_redirect));
    });
    std::vector<Micros> repair;
    {
        netfilter::HelperClient client(core::base::Descriptor(ends[0]), std::chrono::seconds(10));
        need(client.apply(fences(present)));
        const auto stranger = need(netfilter::NetlinkKernel::open());
        netfilter::Transaction removal("gatehouse");
        removal.add(netfilter::RemoveTable{"gatehouse"});
        for (int round = 0; round < 21; ++round) {
            const auto before = need(stranger->generation());
            repair.push_back(time([&] {
                stranger->commit(removal, std::nullopt);
                while (need(stranger->generation()) - before < 2) {
                }
            }));
            if (need(client.list()).size() != present) {
                throw std::runtime_error("not all fences came back in one transaction");
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        need(client.apply(unfences(present)));
    }
    helper.join();
    row("1000 fences back after a foreign flush", print(median(repair)), "<= 20 ms", median(repair) <= 20'000);
}

void bench_all() {
    utsname system{};
    uname(&system);
    fmt::print("netfilter: Linux {}, {} processors, medians\n", system.release, std::thread::hardware_concurrency());
    auto manager = need(FenceManager::open());
    bench_rivals(manager);
    fmt::print("One transaction after the other\n");
    for (const std::size_t present : {0, 1, 100, 1'000, 10'000}) {
        bench_single(manager, present);
    }
    bench_sustained(manager);
    bench_bulk(manager);
    bench_repair(manager);
    need(manager.remove_table());
}

}  // namespace

int main() {
    if (unshare(CLONE_NEWNET) != 0) {
        fmt::print("netfilter: not measured: needs root for a network namespace of its own ({})\n", strerror(errno));
        return 0;
    }
    try {
        bench_all();
    } catch (const std::exception& error) {
        fmt::print(stderr, "netfilter_bench: {}\n", error.what());
        return 1;
    }
    return 0;
}
