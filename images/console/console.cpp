// gatehouse-console: the console's screen. It shows the state of a machine without a shell, and takes two words: reboot
// and forget.
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>

#include "appliance/api/client.hpp"
#include "images/console/screen.hpp"
#include "images/update/release.hpp"

namespace images::console {
namespace {

constexpr int look_every = 2'000;  // milliseconds
constexpr std::chrono::milliseconds patience{1'500};
// gatehouse-setup looks for it before anything else uses the partition.
constexpr const char* forget_mark = "/var/forget";

std::vector<std::string> addresses() {
    std::vector<std::string> found;
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) {
        return found;
    }
    for (const ifaddrs* it = first; it != nullptr; it = it->ifa_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (it->ifa_addr == nullptr || (it->ifa_flags & IFF_LOOPBACK) != 0) {
            continue;
        }
        if (it->ifa_addr->sa_family == AF_INET) {
            const auto* v4 = reinterpret_cast<const sockaddr_in*>(it->ifa_addr);
            ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
        } else if (it->ifa_addr->sa_family == AF_INET6) {
            const auto* v6 = reinterpret_cast<const sockaddr_in6*>(it->ifa_addr);
            if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
                ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
            }
        }
        if (text.front() != '\0') {
            found.emplace_back(text.data());
        }
    }
    ::freeifaddrs(first);
    return found;
}

// 64 hexadecimal digits, without colons, or it would not fit into a line.
std::string fingerprint() {
    const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file("/run/gatehouse-setup/certificate.pem", "r"),
                                                         BIO_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr, X509_free);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    std::string text;
    if (certificate && X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) == 1) {
        for (unsigned at = 0; at < size; ++at) {
            std::array<char, 4> two{};
            std::snprintf(two.data(), two.size(), "%02X", digest.at(at));
            text += two.data();
        }
    }
    return text;
}

Facts look(const std::string& version) {
    Facts facts{version, "", addresses(), fingerprint(), std::nullopt};
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) {
        facts.name = name.data();
    }
    const appliance::api::Client client{std::string(appliance::api::default_socket)};
    if (const auto answer = client.get("/v1/status", patience); answer && answer->status == 200) {
        facts.state = answer->body;
    }
    return facts;
}

void show(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data() + at, text.size() - at);
        if (written <= 0) {
            return;
        }
        at += static_cast<std::size_t>(written);
    }
}

void carry_out(Wish wish) {
    if (wish == Wish::none) {
        return;
    }
    if (wish == Wish::forget) {
        const int fd = ::open(forget_mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || ::fsync(fd) != 0) {
            return show("cannot write on the data partition; nothing is done\r\n");
        }
        ::close(fd);
    }
    ::execl("/usr/bin/systemctl", "systemctl", "reboot", nullptr);
}

// Reads each key as it is pressed. Signals from the keyboard are off.
void prepare_terminal() {
    termios terminal{};
    if (::tcgetattr(STDIN_FILENO, &terminal) == 0) {
        terminal.c_lflag &= ~static_cast<tcflag_t>(ICANON | ISIG);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    }
}

int run() {
    prepare_terminal();
    const std::string version = update::running_version();
    Keyboard keyboard;
    std::string shown;
    bool has_keys = true;
    while (true) {
        if (std::string screen = draw(look(version)); screen != shown) {
            show(screen);
            shown = std::move(screen);
        }
        pollfd key{has_keys ? STDIN_FILENO : -1, POLLIN, 0};
        if (::poll(&key, 1, look_every) <= 0 || key.revents == 0) {
            continue;
        }
        std::array<char, 64> keys{};
        const ssize_t got = ::read(STDIN_FILENO, keys.data(), keys.size());
        has_keys = got > 0;
        for (ssize_t at = 0; at < got; ++at) {
            std::string answer;
            const Wish wish = keyboard.press(keys.at(static_cast<std::size_t>(at)), answer);
            show(answer);
            carry_out(wish);
        }
    }
}

}  // namespace
}  // namespace images::console

int main() {
    return images::console::run();
}
