// plane and masquerade of a pool, right and wrong, and what the machine must be told for them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "appliance/config/model/forwarding.hpp"
#include "tests/appliance/config/problems.hpp"

namespace appliance::config {
namespace {

namespace fs = std::filesystem;

// `pool` is the inside of [pool.chat], `listener` of [listen.chat].
std::string file(const std::string& pool, const std::string& listener = "mode = \"tcp\"") {
    return "[listen.chat]\naddress = \"0.0.0.0:5222\"\npool = \"chat\"\n" + listener +
           "\n[server.web1]\nhost = \"10.0.0.11\"\n[server.six]\nhost = \"fd00::11\"\n[pool.chat]\nport = 5222\n" +
           pool;
}

TEST(Plane, IsTheProxyUnlessThePoolSaysOtherwise) {
    const auto config = parse(file("servers = [\"web1\"]"), "g.toml");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->pools[0].plane, Plane::proxy);
    EXPECT_FALSE(config->in_kernel(config->listeners[0]));
}

TEST(Plane, MayBeTheKernelWithOrWithoutMasquerade) {
    const auto plain = parse(file("servers = [\"web1\"]\nplane = \"kernel\""), "g.toml");
    ASSERT_TRUE(plain);
    EXPECT_TRUE(plain->pools[0].masquerade);
    EXPECT_TRUE(plain->in_kernel(plain->listeners[0]));
    const auto routed = parse(file("servers = [\"web1\"]\nplane = \"kernel\"\nmasquerade = false"), "g.toml");
    ASSERT_TRUE(routed);
    EXPECT_FALSE(routed->pools[0].masquerade);
}

struct Wrong {
    const char* pool;
    const char* listener;
    const char* says;
};

TEST(Plane, RefusesWhatTheKernelCannotDo) {
    const char* tcp = "mode = \"tcp\"";
    const Wrong wrongs[] = {
        {"servers = [\"web1\"]\nplane = \"cernel\"", tcp, "cernel"},
        {"servers = [\"web1\"]\nmasquerade = false", tcp, "it is for plane = \"kernel\" alone"},
        {"servers = [\"web1\"]\nplane = \"kernel\"", "mode = \"http\"", "knows no HTTP"},
        {"servers = [\"web1\", \"six\"]\nplane = \"kernel\"", tcp, "another family"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nbalance = \"least_connections\"", tcp, "does not count"},
        {"servers = [{ name = \"web1\", max_connections = 5 }]\nplane = \"kernel\"", tcp, "does not count"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nproxy_protocol = \"v2\"", tcp, "adds nothing"},
        {"servers = [\"web1\"]\nplane = \"kernel\"",
         "mode = \"tcp\"\nproxy_protocol = true\ntrusted = [\"10.0.0.0/8\"]", "which reads none"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nabort_on_close = true", tcp, "passes on whatever"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nsource = [\"10.0.0.5\"]", tcp, "the kernel chooses"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nbackend_timeout = \"1m\"", tcp, "waits for no answer"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nqueue = 5", tcp, "nobody waits in a queue"},
        {"servers = [\"web1\"]\nplane = \"kernel\"\nhold = \"2s\"", tcp, "nobody waits in a queue"},
    };
    for (const auto& wrong : wrongs) {
        EXPECT_NE(problems_of(file(wrong.pool, wrong.listener)).find(wrong.says), std::string::npos)
            << wrong.pool << "\n"
            << problems_of(file(wrong.pool, wrong.listener));
    }
}

TEST(Plane, RefusesARouteToAPoolOfTheKernels) {
    const auto text = file("servers = [\"web1\"]\nplane = \"kernel\"") +
                      "\n[pool.app]\nport = 80\nservers = [\"web1\"]\n[listen.web]\naddress = \"0.0.0.0:80\"\npool = "
                      "\"app\"\n[[listen.web.route]]\npath = \"/chat\"\npool = \"chat\"\n";
    EXPECT_NE(problems_of(text).find("give the route a pool with plane = \"proxy\""), std::string::npos)
        << problems_of(text);
}

// A folder in the place of /proc/sys.
class Forwarding : public testing::Test {
protected:
    void SetUp() override {
        std::string name = "/tmp/gatehouse-forwarding-XXXXXX";
        root_ = mkdtemp(name.data());
        fs::create_directories(root_ / "net/ipv4");
        std::ofstream(root_ / "net/ipv4/ip_forward") << "0\n";
    }
    void TearDown() override { fs::remove_all(root_); }

    static Pool pool(Plane plane, const char* backend) {
        Pool made;
        made.name = "chat";
        made.plane = plane;
        made.backends = {{}};
        made.backends[0].address = *core::Address::parse(backend);
        return made;
    }

    fs::path root_;
};

TEST_F(Forwarding, IsMissedOnlyWhereTheKernelPassesConnectionsOn) {
    EXPECT_NE(missing_forwarding(pool(Plane::kernel, "10.0.0.1:80"), root_).find("sysctl -w net.ipv4.ip_forward=1"),
              std::string::npos);
    EXPECT_EQ(missing_forwarding(pool(Plane::proxy, "10.0.0.1:80"), root_), "");
    EXPECT_EQ(missing_forwarding(pool(Plane::kernel, "127.0.0.1:80"), root_), "");
    EXPECT_EQ(missing_forwarding(pool(Plane::kernel, "[fd00::1]:80"), root_), "")
        << "no such switch, so nothing to say";
    std::ofstream(root_ / "net/ipv4/ip_forward") << "1\n";
    EXPECT_EQ(missing_forwarding(pool(Plane::kernel, "10.0.0.1:80"), root_), "");
}

}  // namespace
}  // namespace appliance::config
