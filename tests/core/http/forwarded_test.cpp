#include "core/http/forwarded.hpp"

#include <gtest/gtest.h>

namespace core::http {
namespace {

TEST(Forwarded, TellsTheProtoOfTheLastElement) {
    struct Case {
        std::string_view value;
        std::string_view proto;
    };
    for (const Case& one :
         {Case{"proto=https", "https"}, Case{"for=10.0.0.1;proto=https;by=10.0.0.2", "https"},
          Case{"for=a;proto=https, for=b;proto=http", "http"}, Case{"for=a;proto=https, for=b", ""},
          Case{"for=\"[2001:db8::1]:80\"; Proto=\"https\"", "https"}, Case{"for=\"a,proto=x\";proto=https", "https"},
          Case{"for=\"a\\\";proto=x\";proto=https", "https"}, Case{"for=\"a;proto=x", ""}, Case{"", ""},
          Case{"proto=", ""}, Case{"proto=\"\"", ""}, Case{"proto=a b", ""}, Case{"proto=\"a\r\"", ""},
          Case{"xproto=https", ""}, Case{";;proto=https;", "https"}, Case{"for=a;proto=https, ,", "https"}}) {
        EXPECT_EQ(forwarded_proto(one.value), one.proto) << one.value;
    }
}

}  // namespace
}  // namespace core::http
