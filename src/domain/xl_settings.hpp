// "mac=00:16:3e:00:00:01,bridge=xenbr0": the small language within vif and vfb lines.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace vmconvert::domain {

class XlSettings {
 public:
  // `where` is "FILE: vif", for messages. Throws bad_input for a part without "=".
  XlSettings(std::string_view line, const std::string& where);

  // Empty when it is absent.
  [[nodiscard]] std::string get(const std::string& key) const;
  [[nodiscard]] bool has(const std::string& key) const { return m_values.count(key) != 0; }

 private:
  std::map<std::string, std::string> m_values;
};

}  // namespace vmconvert::domain
