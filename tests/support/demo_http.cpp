#include "tests/support/demo_http.hpp"

#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/sockets.hpp"

namespace tests::support {
namespace {

constexpr std::size_t head_bytes_max = 65536;
constexpr std::size_t body_bytes_max = 256UL << 20U;

bool same_word(std::string_view left, std::string_view right) {
    return left.size() == right.size() && ::strncasecmp(left.data(), right.data(), left.size()) == 0;
}

std::size_t number_in(std::string_view text, std::size_t otherwise, int base = 10) {
    std::size_t value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value, base);
    return value;
}

struct Request {
    std::string head;  // as it came, with the empty line
    std::string_view method, target, version;
    std::vector<std::pair<std::string_view, std::string_view>> fields;
    std::string body;

    [[nodiscard]] std::string_view field(std::string_view name) const {
        const auto found =
            std::find_if(fields.begin(), fields.end(), [&](auto& f) { return same_word(f.first, name); });
        return found == fields.end() ? std::string_view{} : found->second;
    }
    [[nodiscard]] bool chunked() const { return same_word(field("Transfer-Encoding"), "chunked"); }
    [[nodiscard]] bool keep_alive() const { return version == "HTTP/1.1" && !same_word(field("Connection"), "close"); }
    [[nodiscard]] std::string_view path() const { return target.substr(0, target.find('?')); }
    // The number behind "name=" in the query.
    [[nodiscard]] std::size_t query(std::string_view name, std::size_t otherwise) const {
        const auto at = target.find(std::string(name) + "=");
        return at == std::string_view::npos ? otherwise : number_in(target.substr(at + name.size() + 1), otherwise);
    }
};

// Cuts the head into views of itself; false when it is no request.
bool parse(Request& request) {
    std::string_view rest = request.head;
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return false;
    }
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, last - first - 1);
    request.version = line.substr(last + 1);
    rest.remove_prefix(line.size() + 2);
    while (rest.size() > 2) {
        const std::string_view field = rest.substr(0, rest.find("\r\n"));
        const auto colon = field.find(':');
        if (colon == std::string_view::npos) {
            return false;
        }
        std::string_view value = field.substr(colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        request.fields.emplace_back(field.substr(0, colon), value);
        rest.remove_prefix(field.size() + 2);
    }
    return true;
}

// Each letter depends on its place, so that a moved or cut body is noticed.
std::string pattern(std::size_t size) {
    std::string bytes(size, ' ');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>('a' + (i + i / 251) % 26);
    }
    return bytes;
}

std::string hex(std::size_t number) {
    char digits[20];
    return {digits, std::to_chars(digits, digits + sizeof digits, number, 16).ptr};
}

class Connection {
public:
    Connection(int fd, const DemoSite& site) : fd_(fd), site_(site) {}

    void run() {
        while (auto request = read_request()) {
            if (!answer(*request) || !request->keep_alive()) {
                return;
            }
        }
    }

private:
    bool fill() {
        char bytes[65536];
        const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
        if (got > 0) {
            buffer_.append(bytes, static_cast<std::size_t>(got));
        }
        return got > 0;
    }

    // Everything up to and with `end`.
    std::optional<std::string> take_until(std::string_view end, std::size_t limit) {
        std::size_t at;
        while ((at = buffer_.find(end)) == std::string::npos) {
            if (buffer_.size() > limit || !fill()) {
                return std::nullopt;
            }
        }
        std::string taken = buffer_.substr(0, at + end.size());
        buffer_.erase(0, taken.size());
        return taken;
    }

    bool take(std::size_t size, std::string& into) {
        if (size > body_bytes_max) {
            return false;
        }
        while (buffer_.size() < size) {
            if (!fill()) {
                return false;
            }
        }
        into.append(buffer_, 0, size);
        buffer_.erase(0, size);
        return true;
    }

    bool take_chunks(std::string& body) {
        for (;;) {
            const auto line = take_until("\r\n", head_bytes_max);
            if (!line) {
                return false;
            }
            const std::size_t size = number_in(*line, 0, 16);
            std::string end;
            if (body.size() + size > body_bytes_max || !take(size, body) || (size > 0 && !take(2, end))) {
                return false;
            }
            if (size == 0) {
                // Trailers end with the same empty line as their absence does.
                while (const auto trailer = take_until("\r\n", head_bytes_max)) {
                    if (*trailer == "\r\n") {
                        return true;
                    }
                }
                return false;
            }
        }
    }

    std::optional<Request> read_request() {
        auto head = take_until("\r\n\r\n", head_bytes_max);
        if (!head) {
            return std::nullopt;
        }
        std::optional<Request> request(std::in_place);
        request->head = std::move(*head);
        if (!parse(*request)) {
            send_all(fd_, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return std::nullopt;
        }
        if (same_word(request->field("Expect"), "100-continue") && !send_all(fd_, "HTTP/1.1 100 Continue\r\n\r\n")) {
            return std::nullopt;
        }
        const std::size_t length = number_in(request->field("Content-Length"), 0);
        if (!(request->chunked() ? take_chunks(request->body) : take(length, request->body))) {
            return std::nullopt;
        }
        return request;
    }

    [[nodiscard]] std::string head_of(const Request& request, std::size_t status) const {
        return "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Status") +
               "\r\nContent-Type: text/plain\r\nX-Served-By: " + site_.name +
               (request.keep_alive() ? "\r\n" : "\r\nConnection: close\r\n");
    }

    bool send_sized(const Request& request, std::size_t status, std::string_view body) {
        std::string message = head_of(request, status);
        const bool bodiless = status == 204 || status == 304;
        if (!bodiless) {
            message += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        }
        message += "\r\n";
        if (!bodiless && request.method != "HEAD") {
            message += body;
        }
        return send_all(fd_, message);
    }

    // In ten chunks, spread over `time`.
    bool send_chunked(const Request& request, std::string_view body, std::chrono::milliseconds time) {
        if (!send_all(fd_, head_of(request, 200) + "Transfer-Encoding: chunked\r\n\r\n")) {
            return false;
        }
        const std::size_t piece = std::max<std::size_t>(body.size() / 10, 1);
        while (!body.empty() && request.method != "HEAD") {
            const std::string_view part = body.substr(0, piece);
            body.remove_prefix(part.size());
            if (!send_all(fd_, hex(part.size()) + "\r\n" + std::string(part) + "\r\n")) {
                return false;
            }
            std::this_thread::sleep_for(time / 10);
        }
        return request.method == "HEAD" || send_all(fd_, "0\r\n\r\n");
    }

    // Raw echo after the handshake. No frames and no Sec-WebSocket-Accept: what passes here is the proxy's relay, to
    // which the bytes after 101 mean nothing.
    bool upgrade() {
        if (send_all(fd_, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n") &&
            send_all(fd_, buffer_)) {
            pump(fd_, fd_);
        }
        return false;
    }

    bool answer(const Request& request) {
        const std::string_view path = request.path();
        if (path == "/alive") {
            return send_sized(request, 200, site_.name + " is alive\n");
        }
        if (site_.unhealthy) {
            return send_sized(request, 503, site_.name + " is unwell\n");
        }
        if (path == "/ws" && same_word(request.field("Upgrade"), "websocket")) {
            return upgrade();
        }
        if (path == "/echo") {
            return request.chunked() ? send_chunked(request, request.body, {}) : send_sized(request, 200, request.body);
        }
        if (path == "/head") {
            return send_sized(request, 200, request.head);
        }
        if (path == "/chunked") {
            return send_chunked(request, pattern(request.query("size", 1000)), {});
        }
        if (path == "/bytes") {
            return send_sized(request, 200, pattern(request.query("size", 1000)));
        }
        if (path == "/drip") {
            return send_chunked(request, pattern(1000), std::chrono::milliseconds(request.query("ms", 1000)));
        }
        if (path == "/slow") {
            std::this_thread::sleep_for(std::chrono::milliseconds(request.query("ms", 500)));
        }
        const std::size_t status = path == "/status" ? request.query("code", 200) : 200;
        return send_sized(request, status,
                          site_.name + ": " + std::string(request.method) + " " + std::string(request.target) + "\n");
    }

    int fd_;
    const DemoSite& site_;
    std::string buffer_;
};

}  // namespace

void serve_http(int fd, const DemoSite& site) {
    Connection(fd, site).run();
}

}  // namespace tests::support
