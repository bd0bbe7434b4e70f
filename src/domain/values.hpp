// Single values of a description: names, uuids, MAC addresses, amounts of memory.
#pragma once

#include <string>
#include <string_view>

#include "base/units.hpp"

namespace vmconvert::domain {

inline constexpr std::size_t k_name_limit = 200;  // bytes: "NAME-vda.qcow2" must be a file name

// For messages: in quotes, printable, cut after 80 bytes.
std::string in_quotes(std::string_view text);

// All below throw bad_input, with `origin` first in the message.

// A guest's name becomes part of file names: not empty, no slash, no control character, not "." or
// "..", valid UTF-8, at most k_name_limit bytes.
void check_domain_name(std::string_view name, const std::string& origin);

// "C0FFEE00111122223333444455556601" -> "c0ffee00-1111-2222-3333-444455556601".
std::string normalised_uuid(std::string_view uuid, const std::string& origin);

// "0:16:3E:0:0:1" -> "00:16:3e:00:00:01".
std::string normalised_mac(std::string_view mac, const std::string& origin);

// libvirt's units: b, bytes, KB (1000), k or KiB (1024), MB, M, MiB ... E, EiB, in any case.
ByteCount to_bytes(std::string_view number, std::string_view unit, const std::string& origin);

// A path of the host: absolute, and no control characters. `what` names it: "disk xvda".
void check_path(std::string_view path, const std::string& what, const std::string& origin);

}  // namespace vmconvert::domain
