#include "tests/torture/message.hpp"

#include <fmt/format.h>

#include <cctype>

namespace tests::torture {
namespace {

// In chunks of random sizes, large ones among them, some with extensions; sometimes with trailers.
std::string in_chunks(const std::string& body, Random random) {
    std::string text;
    for (std::size_t at = 0; at < body.size();) {
        const std::size_t size =
            std::min<std::size_t>(body.size() - at, 1 + random.size(1 << random.below(23)) + body.size() / 2000);
        text += fmt::format("{:x}{}\r\n", size, random.chance(5) ? ";a=b" : "");
        text.append(body, at, size);
        text += "\r\n";
        at += size;
    }
    return text + "0\r\n" + (random.chance(10) ? "Trailer-Field: x\r\n\r\n" : "\r\n");
}

void frame(const Side& side, std::string pad, Text& text) {
    if (!pad.empty()) {
        text.head += "X-Pad: " + pad + "\r\n";
    }
    std::string body = noise(side.noise, side.size);
    if (side.framing == Framing::length) {
        text.head += fmt::format("Content-Length: {}\r\n", side.size);
    } else if (side.framing == Framing::chunked) {
        text.head += "Transfer-Encoding: chunked\r\n";
        body = in_chunks(body, Random(side.noise));
    }
    text.head += "\r\n";
    text.body = std::move(body);
}

bool receive_chunks(Wire& wire, std::string& body) {
    for (;;) {
        const auto line = wire.line();
        if (!line) {
            return false;
        }
        const std::size_t size = std::stoul(*line, nullptr, 16);
        if (size == 0) {
            break;
        }
        std::string end;
        if (!wire.take(size, body) || !wire.take(2, end)) {
            return false;
        }
    }
    for (auto trailer = wire.line(); trailer; trailer = wire.line()) {
        if (trailer->empty()) {
            return true;
        }
    }
    return false;
}

// Empty where head has neither length nor chunks.
std::optional<bool> receive_framed(Wire& wire, const std::string& head, std::string& body) {
    if (head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos) {
        return receive_chunks(wire, body);
    }
    static constexpr std::string_view name = "\r\ncontent-length: ";
    const std::size_t at = head.find(name);
    if (at == std::string::npos) {
        return std::nullopt;
    }
    return wire.take(std::stoul(head.substr(at + name.size())), body);
}

}  // namespace

Text compose_request(const Plan& plan) {
    Text text;
    text.head = fmt::format("{} /{:016x} HTTP/1.{}\r\nHost: torture\r\n", plan.method, plan.seed, plan.minor);
    if (plan.kind == Kind::upgrade) {
        text.head += "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        return text;
    }
    if (plan.client_closes) {
        text.head += "Connection: close\r\n";
    } else if (plan.minor == 0) {
        text.head += "Connection: keep-alive\r\n";
    }
    text.head += plan.expect ? "Expect: 100-continue\r\n" : "";
    frame(plan.client, std::string(plan.client_pad, 'c'), text);
    return text;
}

Text compose_response(const Plan& plan) {
    Text text;
    if (plan.kind == Kind::upgrade) {
        text.head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        return text;
    }
    text.head = fmt::format("HTTP/1.1 {} Planned\r\n", plan.status);
    text.head += plan.server_closes ? "Connection: close\r\n" : "";
    frame(plan.server, std::string(plan.server_pad, 's'), text);
    if (plan.bodiless()) {
        text.body.clear();
    }
    return text;
}

int Incoming::status() const {
    return head.size() < 12 ? 0 : std::stoi(head.substr(9, 3));
}

std::string receive_head(Wire& wire) {
    std::string head;
    for (auto line = wire.line(); line; line = wire.line()) {
        head += *line + "\r\n";
        if (line->empty()) {
            for (char& letter : head) {
                letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
            }
            return head;
        }
    }
    return {};
}

Incoming receive_request(Wire& wire, std::string head) {
    Incoming request;
    request.head = std::move(head);
    request.whole = receive_framed(wire, request.head, request.body).value_or(true);
    return request;
}

Incoming receive_response(Wire& wire, std::string_view method) {
    Incoming response;
    do {
        response.head = receive_head(wire);
    } while (response.status() == 100 || response.status() == 103);
    if (response.head.empty()) {
        return response;
    }
    if (method == "HEAD" || response.status() == 204 || response.status() == 304) {
        response.whole = true;
    } else if (const auto framed = receive_framed(wire, response.head, response.body)) {
        response.whole = *framed;
    } else {
        wire.take_all(response.body);
        response.whole = wire.end() == Wire::End::orderly;
    }
    return response;
}

}  // namespace tests::torture
