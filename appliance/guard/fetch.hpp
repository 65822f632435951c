// fetch(): what a URL holds, by GET over HTTP or HTTPS.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>

#include "appliance/config/model/guard.hpp"
#include "appliance/guard/connection.hpp"
#include "core/base/result.hpp"

namespace appliance::guard {

// Bytes of an answer's body and of its head; more is an error.
inline constexpr std::size_t answer_max = std::size_t{16} << 20;
inline constexpr std::size_t answer_head_max = std::size_t{64} << 10;
inline constexpr unsigned redirects_max = 5;

// The bytes of all answers in memory at the same time, over all guards and callers.
inline constexpr std::size_t answers_together_max = std::size_t{128} << 20;

// The memory that one answer has of answers_together_max, given back at its end. Any thread.
class AnswerMemory {
public:
    AnswerMemory() = default;
    AnswerMemory(AnswerMemory&& other) noexcept : taken_(std::exchange(other.taken_, 0)) {}
    AnswerMemory& operator=(AnswerMemory&& other) noexcept {
        std::swap(taken_, other.taken_);
        return *this;
    }
    AnswerMemory(const AnswerMemory&) = delete;
    AnswerMemory& operator=(const AnswerMemory&) = delete;
    ~AnswerMemory();

    // Takes so many bytes more. Error: other answers have them.
    core::Result<void> take(std::size_t bytes);

private:
    std::size_t taken_ = 0;
};

struct Fetched {
    std::string body;
    std::string moved_to;  // the origin that answered in the end, where it is another than was asked; holds no secret
    AnswerMemory memory;   // of the body
};

// The body of a 200. Blocks until the deadline at most, from the look-up of the name to the last byte. TLS is verified,
// with the name, against the system's authorities or ca_file's. At most redirects_max redirects are followed, never
// from https to http. User and password are sent as Basic, and not to another origin. Errors: no connection, an invalid
// certificate, another status, a compressed answer, too long, too late, no memory left of answers_together_max. Their
// texts hold origins only: users, paths and queries may hold secrets. Any thread.
core::Result<Fetched> fetch(const config::Site& site, const std::string& query, Deadline deadline,
                            const std::filesystem::path& ca_file);

}  // namespace appliance::guard
