// Work on what strangers have written, in a process of its own: a library that loops for ever or writes where it should
// not takes nothing with it. (libical does both, for rules that nobody writes by accident.)
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "core/base/result.hpp"

namespace appliance::guard {

// Of the processor's time, whole seconds: that is how the kernel counts.
inline constexpr std::chrono::seconds apart_max{3};
inline constexpr std::size_t apart_answer_max = 16UL << 20U;

// What work returns, from a fork of this process that has no open descriptor but the log and ends with the answer.
// guards is locked while the process forks, so that work finds what it guards whole, and locked: work must not lock it
// again, nor anything else that another thread may hold. It may allocate, read files and compute. Errors: no process to
// be had, work took longer than apart_max (or ten times as long, asleep), it crashed, its answer is longer than
// apart_answer_max. Blocks; any thread.
core::Result<std::string> apart(const std::function<std::string()>& work, std::mutex& guards);

}  // namespace appliance::guard
