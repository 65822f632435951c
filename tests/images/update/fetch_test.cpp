// Files of an update from a server with the test's answers.
#include "images/update/fetch.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "core/base/descriptor.hpp"
#include "images/update/digest.hpp"
#include "tests/support/temporary_folder.hpp"

namespace images::update {
namespace {

using core::base::Descriptor;
using testing::HasSubstr;

// Answers one request with these bytes, as many of them as the other side takes.
class OneAnswer {
public:
    explicit OneAnswer(std::string bytes) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(listener_.get(), 1), 0);
        EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, bytes = std::move(bytes)] {
            const Descriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            std::string request;
            std::array<char, 1024> some{};
            while (request.find("\r\n\r\n") == std::string::npos) {
                const ssize_t got = ::recv(peer.get(), some.data(), some.size(), 0);
                if (got <= 0) {
                    return;
                }
                request.append(some.data(), static_cast<std::size_t>(got));
            }
            for (std::size_t at = 0; at < bytes.size();) {
                const ssize_t put = ::send(peer.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
                if (put <= 0) {
                    return;
                }
                at += static_cast<std::size_t>(put);
            }
        });
    }
    ~OneAnswer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        thread_.join();
    }
    [[nodiscard]] Source source() const { return *Source::parse(fmt::format("http://127.0.0.1:{}/updates/", port_)); }

private:
    Descriptor listener_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

const std::string body(100'000, 'x');
const File wanted{"gatehouse_2.efi", sha256_of(body), body.size()};

std::string with_length(const std::string& text, std::size_t length) {
    return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", length, text);
}

class Fetch : public testing::Test {
protected:
    // "" where it was taken; the folder holds that file then, and otherwise nothing.
    std::string fetch(const std::string& answer) {
        const OneAnswer server(answer);
        const auto done = fetch_file(server.source(), wanted, "", folder_.path());
        const auto files = std::distance(std::filesystem::directory_iterator(folder_.path()), {});
        EXPECT_EQ(files, done ? 1 : 0) << "nothing of a file that was refused stays";
        return done ? "" : done.error().line();
    }

    const tests::TemporaryFolder folder_;
};

TEST_F(Fetch, TakesAFileOfTheSizeAndTheDigestThatWereSigned) {
    EXPECT_EQ(fetch(with_length(body, body.size())), "");
    std::ifstream in(folder_.path() / wanted.name, std::ios::binary);
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>(in), {}}), body);
    EXPECT_EQ(fetch("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body), "") << "which says no length";
}

TEST_F(Fetch, TakesNoByteMoreThanWereSigned) {
    EXPECT_THAT(fetch(with_length(body + "x", body.size() + 1)), HasSubstr("more bytes than the 100000"));
    EXPECT_THAT(fetch("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body + "x"), HasSubstr("more bytes than"));
    EXPECT_THAT(fetch("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(8 << 20, 'x')),
                HasSubstr("more bytes than"));
}

TEST_F(Fetch, RefusesWhatIsShorterOrOther) {
    EXPECT_THAT(fetch(with_length(body.substr(1), body.size() - 1)), HasSubstr("not what SHA256SUMS says"));
    EXPECT_THAT(fetch(with_length("y" + body.substr(1), body.size())), HasSubstr("not what SHA256SUMS says"));
    EXPECT_NE(fetch(with_length(body.substr(1), body.size())), "") << "the connection ends too early";
    EXPECT_THAT(fetch("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), HasSubstr("answered 404"));
}

TEST_F(Fetch, TakesATextUpToItsLimit) {
    for (const std::size_t size : {std::size_t{64} << 10, (std::size_t{64} << 10) + 1}) {
        const std::string text(size, 't');
        const OneAnswer server(with_length(text, size));
        const auto fetched = fetch_text(server.source(), "SHA256SUMS", "");
        EXPECT_EQ(fetched.has_value(), size <= std::size_t{64} << 10);
        EXPECT_EQ(fetched.value_or(""), fetched ? text : "");
    }
}

}  // namespace
}  // namespace images::update
