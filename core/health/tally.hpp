// Tally: turns a sequence of verdicts into up or down. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/health/check.hpp"

namespace core::health {

enum class Health : std::uint8_t {
    unknown,  // not checked yet, or just unfenced: not eligible until a check has passed
    up,
    down,
};

class Tally {
public:
    // Counts verdict; true where the health changed. The first verdict decides alone: a new backend is up after one
    // pass and down after one failure.
    bool count(const Verdict& verdict, const Check& check, WallTime now);
    // A check could not be made: the health stays, and where there is none yet this is why.
    void miss(std::string why);
    // Visitors' exchanges have failed: an up backend is down until rise checks in a row pass. True where the health
    // changed.
    bool fail(std::string why, WallTime now);
    // The check was replaced. The health stays until the new check has failed `fall` times or passed `rise` times in a
    // row. So a wrong check does not take down a working server at once.
    void carry() noexcept;
    // Forgets the standing but not the counters; the next verdict decides alone.
    void reset(std::string why, WallTime now);

    [[nodiscard]] Health health() const noexcept { return health_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }
    [[nodiscard]] WallTime since() const noexcept { return since_; }
    // The health is still that of the check before.
    [[nodiscard]] bool carried() const noexcept { return carried_; }
    [[nodiscard]] std::uint64_t passed() const noexcept { return passed_; }
    [[nodiscard]] std::uint64_t failed() const noexcept { return failed_; }

private:
    Health health_ = Health::unknown;
    std::string why_ = "no check has ended yet";
    WallTime since_{};
    std::uint32_t row_ = 0;  // consecutive verdicts against the present health
    bool carried_ = false;
    std::uint64_t passed_ = 0;
    std::uint64_t failed_ = 0;
};

}  // namespace core::health
