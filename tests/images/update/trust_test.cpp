#include "images/update/trust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace images::update {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A new key with its self-signed certificate.
class Signer {
public:
    explicit Signer(int kind) : key_(kind == EVP_PKEY_RSA ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), EVP_PKEY_free) {
        const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
        X509_set_version(made.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
        X509_set_pubkey(made.get(), key_.get());
        X509_sign(made.get(), key_.get(), EVP_sha256());
        unsigned char* der = nullptr;
        const int size = i2d_X509(made.get(), &der);
        certificate_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
    }

    const std::string& certificate() const { return certificate_; }

    std::string sign(std::string_view text) const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get());
        std::string signature(512, '\0');
        std::size_t size = signature.size();
        EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                 reinterpret_cast<const unsigned char*>(text.data()), text.size()),
                  1);
        signature.resize(size);
        return signature;
    }

private:
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
    std::string certificate_;
};

std::string number(std::size_t value) {
    std::string bytes;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>(value >> shift & 0xffU);
    }
    return bytes;
}

const std::string x509_type("\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72", 16);

// A signature list with one certificate.
std::string list_of(const std::string& certificate, const std::string& type = x509_type) {
    const std::size_t each = 16 + certificate.size();
    return type + number(28 + each) + number(0) + number(each) + std::string(16, 'o') + certificate;
}

std::vector<std::string> read(const std::string& variable) {
    return certificates_in(std::as_bytes(std::span(variable.data(), variable.size())));
}

TEST(Firmware, KeepsCertificatesInLists) {
    const std::string hash_list = list_of(std::string(32, 'h'), std::string(16, '\x26'));
    EXPECT_THAT(read("attr" + list_of("one") + hash_list + list_of("another")), ElementsAre("one", "another"));
    EXPECT_THAT(read("attr"), IsEmpty());
    EXPECT_THAT(read(""), IsEmpty());
}

TEST(Firmware, AListThatIsCutAnywhereIsLeftOut) {
    const std::string whole = "attr" + list_of("one");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_THAT(read(whole.substr(0, size)), IsEmpty()) << size;
    }
    EXPECT_THAT(read("attr" + x509_type + number(28) + number(0) + number(0)), IsEmpty());
    EXPECT_THAT(read("attr" + x509_type + number(~0U) + number(~0U) + number(~0U)), IsEmpty());
}

class Signed : public testing::TestWithParam<int> {};

TEST_P(Signed, IsWhatOneOfTheKeysHasSigned) {
    const Signer ours(GetParam());
    const Signer other(GetParam());
    const std::string signature = ours.sign("sums");
    EXPECT_TRUE(verify("sums", signature, {other.certificate(), ours.certificate()}).has_value());
    EXPECT_THAT(verify("sumz", signature, {ours.certificate()}).error().line(), HasSubstr("none of the keys"));
    EXPECT_FALSE(verify("sums", signature, {other.certificate()}).has_value());
    EXPECT_FALSE(verify("sums", "", {ours.certificate()}).has_value());
    EXPECT_FALSE(verify("sums", signature.substr(1), {ours.certificate(), "no certificate"}).has_value());
}

INSTANTIATE_TEST_SUITE_P(Kinds, Signed, testing::Values(EVP_PKEY_RSA, EVP_PKEY_EC));

TEST(Signed, ByNoKeyWhereTheFirmwareHasNone) {
    EXPECT_THAT(verify("sums", "signature", {}).error().line(), HasSubstr("the firmware has no keys"));
}

}  // namespace
}  // namespace images::update
