#include "guest/arrays.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace vmconvert::guest {
namespace {

std::string plain_uuid(std::string_view text) {
  return replace_all(replace_all(lower_case(text), "-", ""), ":", "");
}

// "81aabbcc:..." -> "81aabbcc-...", as blkid(8) has it.
std::string with_dashes(std::string_view text) {
  std::string uuid = plain_uuid(text);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) {
    if (at < uuid.size()) {
      uuid.insert(at, 1, '-');
    }
  }
  return uuid;
}

void add_name(model::Array& array, const std::string& name) {
  if (std::count(array.names.begin(), array.names.end(), name) == 0) {
    array.names.push_back(name);
  }
}

// "/dev/md0", "/dev/md/0", "/dev/md_d0", or "md0", which mdadm.conf(5) allows as well.
void add_configured(model::Array& array, std::string_view device) {
  if (device.starts_with("/dev/")) {
    device.remove_prefix(5);
  }
  if (device.starts_with("md/")) {
    add_array_names(array, device.substr(3));
  } else if (device.starts_with("md") && parse_number(device.substr(2))) {
    add_array_names(array, device.substr(2));
  } else if (!device.empty() && device.find('/') == std::string_view::npos) {
    add_name(array, std::string(device));
    add_name(array, fmt::format("md/{}", device));
  }
}

// mdadm.conf(5): a line that begins with a blank goes on with the one before.
std::vector<std::vector<std::string>> array_lines(std::string_view text) {
  std::vector<std::vector<std::string>> found;
  bool in_array = false;
  for (const std::string& line : lines(std::string(text))) {
    const std::vector<std::string> fields = words(line.substr(0, line.find('#')));
    if (fields.empty()) {
      continue;
    }
    const bool goes_on = line.front() == ' ' || line.front() == '\t';
    if (!goes_on) {
      const std::string key = lower_case(fields[0]);
      in_array = key.size() >= 3 && std::string_view("array").starts_with(key);
      if (in_array) {
        found.push_back(fields);
      }
    } else if (in_array) {
      found.back().insert(found.back().end(), fields.begin(), fields.end());
    }
  }
  return found;
}

}  // namespace

void add_array_names(model::Array& array, std::string_view name) {
  if (name.empty() || name.find('/') != std::string_view::npos) {
    return;
  }
  if (parse_number(name)) {
    add_name(array, fmt::format("md{}", name));
  }
  add_name(array, fmt::format("md/{}", name));
}

std::optional<model::Array> array_of_detail(const std::vector<std::string>& pairs) {
  model::Array array;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const std::string& value = pairs[i + 1];
    if (pairs[i] == "uuid") {
      array.uuid = with_dashes(value);
    } else if (pairs[i] == "level") {
      array.level = value;
    } else if (pairs[i] == "metadata") {
      array.metadata = value;
    } else if (pairs[i] == "name") {  // "host:0", or "0" of an array that belongs to no host
      const auto colon = value.rfind(':');
      add_array_names(array, colon == std::string::npos ? value : value.substr(colon + 1));
    }
  }
  return array.uuid.empty() || array.level.empty() || array.level == "container"
             ? std::nullopt
             : std::optional(array);
}

void name_by_configuration(std::vector<model::Filesystem>& filesystems, std::string_view text) {
  for (const std::vector<std::string>& fields : array_lines(text)) {
    const auto uuid = std::find_if(fields.begin(), fields.end(), [](const std::string& field) {
      return lower_case(field).starts_with("uuid=");
    });
    if (uuid == fields.end() || fields.size() < 3) {
      continue;
    }
    for (model::Filesystem& fs : filesystems) {
      if (fs.array && plain_uuid(fs.array->uuid) == plain_uuid(std::string_view(*uuid).substr(5))) {
        add_configured(*fs.array, fields[1]);
      }
    }
  }
}

}  // namespace vmconvert::guest
