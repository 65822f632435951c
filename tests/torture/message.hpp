// Message: a plan as bytes to send, and received bytes as a message. A parser of the test's own, and no strict one: the
// question is whether bytes get lost or altered.
#pragma once

#include <string>

#include "tests/torture/plan.hpp"
#include "tests/torture/wire.hpp"

namespace tests::torture {

struct Text {
    std::string head;
    std::string body;  // framed
    [[nodiscard]] std::size_t size() const noexcept { return head.size() + body.size(); }
};

Text compose_request(const Plan& plan);
Text compose_response(const Plan& plan);

struct Incoming {
    std::string head;  // in lower case; empty where it is incomplete
    std::string body;
    bool whole = false;  // its end has come, by its framing

    [[nodiscard]] int status() const;
    [[nodiscard]] bool says(std::string_view field) const { return head.find(field) != std::string::npos; }
};

// The next head; empty where it is incomplete.
std::string receive_head(Wire& wire);
Incoming receive_request(Wire& wire, std::string head);
// The final response to method; interim ones before it are skipped.
Incoming receive_response(Wire& wire, std::string_view method);

}  // namespace tests::torture
