// The cost of one fence while many exist: to set it, to lift it, to replace its texts, and to read them all. In the
// real kernel, in a network namespace of its own. netfilter_bench compares it with nft and iptables.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "netfilter/fence/fence_manager.hpp"

namespace {

using netfilter::Change;
using netfilter::Fence;
using netfilter::FenceManager;
using netfilter::Unfence;

template <typename Value>
Value need(core::Result<Value> result) {
    if (!result) {
        throw std::runtime_error(result.error().line());
    }
    if constexpr (!std::is_void_v<Value>) {
        return std::move(*result);
    }
}

Change make_fence(std::size_t number, const char* why = "deploy v42") {
    Fence fence;
    const auto address = fmt::format("10.{}.{}.{}:80", number >> 16 & 255, number >> 8 & 255, number & 255);
    fence.backend = need(core::Address::parse(address));
    fence.id = "7f3a";
    fence.who = "ann";
    fence.why = why;
    fence.since = core::base::wall_now();
    return fence;
}

// A table with so many fences, and one more that is set and lifted.
class Present {
public:
    explicit Present(std::int64_t count) : manager_(need(FenceManager::open())) {
        std::vector<Change> changes;
        for (std::int64_t i = 0; i < count; ++i) {
            changes.push_back(make_fence(static_cast<std::size_t>(i)));
        }
        need(manager_.apply(changes));
    }
    Present(const Present&) = delete;
    Present& operator=(const Present&) = delete;
    ~Present() { static_cast<void>(manager_.remove_table()); }

    void fence() { need(manager_.apply(on_)); }
    void fence_anew() { need(manager_.apply(anew_)); }
    void unfence() { need(manager_.apply(off_)); }
    std::size_t inspect() { return need(manager_.list()).size(); }

private:
    static constexpr std::size_t other = 1'000'000;
    FenceManager manager_;
    const std::vector<Change> on_{make_fence(other)};
    const std::vector<Change> anew_{make_fence(other, "deploy v43")};
    const std::vector<Change> off_{Unfence{std::get<Fence>(on_.front()).backend}};
};

void sizes(benchmark::internal::Benchmark* bench) {
    bench->Arg(1)->Arg(100)->Arg(10'000)->Unit(benchmark::kMicrosecond)->UseRealTime();
}

void fence_and_unfence(benchmark::State& state) {
    Present present(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        present.fence();
        present.unfence();
    }
    state.SetItemsProcessed(state.iterations() * 2);  // transactions
}
BENCHMARK(fence_and_unfence)->Apply(sizes);

void fence_anew(benchmark::State& state) {
    Present present(state.range(0));
    present.fence();
    for ([[maybe_unused]] auto _ : state) {
        present.fence_anew();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(fence_anew)->Apply(sizes);

void inspect(benchmark::State& state) {
    Present present(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(present.inspect());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));  // fences read
}
BENCHMARK(inspect)->Apply(sizes);

}  // namespace

int main(int argc, char** argv) {
    if (unshare(CLONE_NEWNET) != 0) {
        fmt::print("fences: not measured: needs root for a network namespace of its own ({})\n", strerror(errno));
        return 0;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 1;
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
