// What every page of a report has to be.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

namespace vmconvert::report {

inline void expect_self_contained(const std::string& page) {
  EXPECT_FALSE(std::regex_search(page, std::regex("(src|href)=\"[^#\"]")));
  EXPECT_THAT(page, testing::Not(testing::HasSubstr("url(")));
  EXPECT_THAT(page, testing::Not(testing::HasSubstr("@import")));
  EXPECT_THAT(page, testing::HasSubstr("default-src 'none'"));
}

// Every element that is opened is closed, in order: what a browser would mend, others may not. And
// each link within the page leads somewhere, once.
inline void expect_well_formed(const std::string& page) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-zA-Z0-9]+)([^>]*)>");
  for (auto it = std::sregex_iterator(page.begin(), page.end(), tag); it != std::sregex_iterator();
       ++it) {
    const std::string name = (*it)[2];
    const std::string rest = (*it)[3];
    if (name == "meta" || name == "br" || (!rest.empty() && rest.back() == '/')) {
      continue;
    }
    if ((*it)[1].length() == 0) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << name;
      ASSERT_EQ(open.back(), name);
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
  const std::regex link("href=\"#([^\"]+)\"");
  for (auto it = std::sregex_iterator(page.begin(), page.end(), link); it != std::sregex_iterator();
       ++it) {
    const std::string id = " id=\"" + (*it)[1].str() + "\"";
    ASSERT_NE(page.find(id), std::string::npos) << id;
    EXPECT_EQ(page.find(id, page.find(id) + 1), std::string::npos) << id << " twice";
  }
}

// Each picture that says something has a title and a description, the small ones are hidden; tables
// have captions, their heads a scope.
inline void expect_can_be_heard(const std::string& page) {
  EXPECT_THAT(page, testing::HasSubstr("<html lang=\"en\">"));
  const std::regex picture("<svg [^>]*>");
  for (auto it = std::sregex_iterator(page.begin(), page.end(), picture);
       it != std::sregex_iterator(); ++it) {
    const std::string text = it->str();
    EXPECT_TRUE(text.find("aria-hidden=\"true\"") != std::string::npos ||
                text.find("aria-labelledby=") != std::string::npos)
        << text;
  }
  EXPECT_FALSE(std::regex_search(page, std::regex("<th>|<th class")));
  EXPECT_FALSE(std::regex_search(page, std::regex("<table[^>]*>\\s*<(thead|tbody)")));
}

}  // namespace vmconvert::report
