// Numbers of the kernel's nf_tables interface that Debian 12's headers (Linux 6.1) lack, and where a message's
// attributes begin. The interface is stable, so the numbers never change. capabilities.hpp finds out whether the
// running kernel supports them. Included by .cpp files only.
#pragma once

#include <netinet/in.h>
// netinet/in.h must come before the kernel's headers, which redefine its structures otherwise.
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>

namespace netfilter {

inline constexpr std::uint16_t msg_delete_set_element = NFT_MSG_DELSETELEM;
inline constexpr std::uint16_t msg_destroy_set_element = 30;     // NFT_MSG_DESTROYSETELEM, Linux 6.3
inline constexpr std::uint32_t data_type_verdict = 0xffffff00U;  // NFT_DATA_VERDICT

inline constexpr std::uint32_t table_owner = NFT_TABLE_F_OWNER;
inline constexpr std::uint32_t table_persist = 4;  // NFT_TABLE_F_PERSIST, Linux 6.9

// The offset of the attributes in a netfilter message.
inline constexpr std::size_t body_offset = sizeof(nlmsghdr) + sizeof(nfgenmsg);

static_assert(NFT_MSG_DELFLOWTABLE == 24, "the message numbers above continue the enum of Linux 6.1");
static_assert(NFT_DATA_VERDICT == data_type_verdict);

}  // namespace netfilter
