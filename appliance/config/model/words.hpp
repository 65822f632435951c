// The words of the file for each enum, once: the reader looks them up one way and print() the other.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "appliance/config/model/config.hpp"

namespace appliance::config {

template <typename Enum, std::size_t size>
using Words = std::array<std::pair<std::string_view, Enum>, size>;

inline constexpr Words<Mode, 2> mode_words{{{"http", Mode::http}, {"tcp", Mode::tcp}}};
inline constexpr Words<Balance, 4> balance_words{{{"round_robin", Balance::round_robin},
                                                  {"least_connections", Balance::least_connections},
                                                  {"random_two", Balance::random_two},
                                                  {"source_hash", Balance::source_hash}}};
inline constexpr Words<Role, 3> role_words{{{"read", Role::read}, {"operate", Role::operate}, {"admin", Role::admin}}};
inline constexpr Words<Plane, 2> plane_words{{{"proxy", Plane::proxy}, {"kernel", Plane::kernel}}};
inline constexpr Words<FenceMode, 3> fence_mode_words{
    {{"reset", FenceMode::reset}, {"icmp", FenceMode::icmp}, {"drop", FenceMode::drop}}};
inline constexpr Words<ZeroCopy, 2> zero_copy_words{{{"auto", ZeroCopy::automatic}, {"off", ZeroCopy::off}}};
// Whether it is https.
inline constexpr Words<bool, 2> proto_words{{{"http", false}, {"https", true}}};
inline constexpr Words<ProxyProtocol, 3> proxy_protocol_words{
    {{"off", ProxyProtocol::none}, {"v1", ProxyProtocol::v1}, {"v2", ProxyProtocol::v2}}};
inline constexpr Words<Database, 2> database_words{
    {{"single_master", Database::single_master}, {"multi_master", Database::multi_master}}};
inline constexpr Words<GuardKind, 3> guard_kind_words{
    {{"bigbluebutton", GuardKind::bigbluebutton}, {"schedule", GuardKind::schedule}, {"windows", GuardKind::windows}}};
inline constexpr Words<Checksum, 4> checksum_words{{{"sha1", Checksum::sha1},
                                                    {"sha256", Checksum::sha256},
                                                    {"sha384", Checksum::sha384},
                                                    {"sha512", Checksum::sha512}}};
inline constexpr Words<EmptyMeeting, 2> empty_meeting_words{
    {{"ignore", EmptyMeeting::ignore}, {"count", EmptyMeeting::count}}};
inline constexpr Words<OnMeeting, 2> on_meeting_words{{{"block", OnMeeting::block}, {"warn", OnMeeting::warn}}};
inline constexpr Words<CheckType, 2> check_type_words{{{"http", CheckType::http}, {"tcp", CheckType::tcp}}};

}  // namespace appliance::config
