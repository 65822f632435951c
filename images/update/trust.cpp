#include "images/update/trust.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

namespace images::update {
namespace {

using core::base::fail;

constexpr std::size_t attributes_size = 4;
constexpr std::size_t list_head = 28;   // type, then three sizes
constexpr std::size_t owner_size = 16;  // before each signature
// EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072
constexpr std::array<std::uint8_t, 16> x509{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                            0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};

std::uint32_t number(std::span<const std::byte> bytes, std::size_t at) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);  // little endian, as x86 is
    return value;
}

bool has_signed(const std::string& certificate, std::string_view text, std::string_view signature) {
    const auto* der = reinterpret_cast<const unsigned char*>(certificate.data());
    const std::unique_ptr<X509, decltype(&X509_free)> parsed(
        d2i_X509(nullptr, &der, static_cast<long>(certificate.size())), X509_free);
    if (!parsed) {
        return false;
    }
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    return context &&
           EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, X509_get0_pubkey(parsed.get())) == 1 &&
           EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                            reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

}  // namespace

std::vector<std::string> certificates_in(std::span<const std::byte> bytes) {
    std::vector<std::string> found;
    bytes = bytes.size() < attributes_size ? std::span<const std::byte>() : bytes.subspan(attributes_size);
    while (bytes.size() >= list_head) {
        const std::size_t list = number(bytes, 16);
        const std::size_t head = number(bytes, 20);
        const std::size_t each = number(bytes, 24);
        if (list < list_head || list > bytes.size() || head > list - list_head || each <= owner_size) {
            break;
        }
        if (std::memcmp(bytes.data(), x509.data(), x509.size()) == 0) {
            for (std::size_t at = list_head + head; at + each <= list; at += each) {
                const auto certificate = bytes.subspan(at + owner_size, each - owner_size);
                found.emplace_back(reinterpret_cast<const char*>(certificate.data()), certificate.size());
            }
        }
        bytes = bytes.subspan(list);
    }
    return found;
}

core::Result<void> verify(std::string_view text, std::string_view signature,
                          const std::vector<std::string>& certificates) {
    if (certificates.empty()) {
        return fail("no update can be trusted", "the firmware has no keys of its own to hold it against",
                    "enrol the site's keys (Secure Boot), see images/README.md");
    }
    for (const std::string& certificate : certificates) {
        if (has_signed(certificate, text, signature)) {
            return {};
        }
    }
    return fail("the update is refused",
                "none of the keys that this machine's firmware boots has signed its SHA256SUMS",
                "offer an update that was built with the site's keys");
}

}  // namespace images::update
